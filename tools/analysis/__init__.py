"""Commands that measure, count and draw, and what they share."""
