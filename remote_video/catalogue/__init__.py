"""What RunComfy offers, as it publishes it: every video model with its input schema and its price."""
