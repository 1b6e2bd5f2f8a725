"""Tables, figures and the report; arrays and frames in, text and pictures out."""
