"""What is known of each class: cards, and what lies near them."""
