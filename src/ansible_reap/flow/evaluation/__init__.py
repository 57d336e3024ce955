"""What templates and conditions mean: values that may carry handles, and formulas."""
