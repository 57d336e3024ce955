"""The tasks at the end of a play that judge its outstanding jobs."""
