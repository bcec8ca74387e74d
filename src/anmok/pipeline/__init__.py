"""The whole way in one call: scan, check, train each, measure, report."""
