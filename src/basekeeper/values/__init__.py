"""Values that the steps hand to each other: frozen, without behaviour that touches the world."""
