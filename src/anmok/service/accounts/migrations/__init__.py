"""What Django wrote to bring older databases up to date."""
