"""What others publish of vulnerabilities: exploited ones, probabilities, VEX statements."""
