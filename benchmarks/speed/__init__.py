"""How fast the product is, each figure beside a bound measured in the same run."""
