"""Looks at an installation as it is in effect in the working folder, and says what is off and how to mend it."""
