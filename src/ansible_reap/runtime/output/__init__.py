"""What a run says at its end: recap, report, JUnit, run times."""
