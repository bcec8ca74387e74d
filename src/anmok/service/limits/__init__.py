"""How often one visitor or one program may ask: counted in the database, so that it holds across processes."""
