"""Templates and verbatim library modules of the generated RTL, HLS C++, scripts and reports."""
