"""Django's backend for MariaDB and MySQL, with connections that threads hand on to each other (``base``)."""
