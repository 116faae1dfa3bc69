"""What AWS services refuse for good, in the platform's terms. Everything else is AWS's own exception."""


class TaskRefused(Exception):
    """ECS will not run the task: no capacity, or the request itself is impossible. Nothing was started."""


class LoadBalancerFull(Exception):
    """No further target group or rule fits on the load balancer (100 each, facts of Elastic Load Balancing)."""
