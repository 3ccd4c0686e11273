"""What a fit says in the terms of its user: averages, comparisons, hypotheses, shares of variance."""
