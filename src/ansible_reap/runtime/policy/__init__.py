"""What the options say is to be done about a job."""
