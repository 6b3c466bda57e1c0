"""What operators, sensors and the transfer share."""
