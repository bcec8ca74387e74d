"""What is wrong with the pictures: checks that give a score and a flag for each, and manifests without the wrong."""
