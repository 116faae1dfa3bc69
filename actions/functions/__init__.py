"""Tenant functions: containers that members run beside their servers, as many of each as they ask for."""
