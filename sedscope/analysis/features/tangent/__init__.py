"""J v by forward-over-reverse on a feature program, with everything that no direction changes computed beforehand."""
