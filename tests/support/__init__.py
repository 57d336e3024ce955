"""What the tests share: environments to run things in."""
