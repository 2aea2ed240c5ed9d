"""How many appointments it has: `python -m bench.peer.count`."""

from bench.peer import site  # noqa: F401 - sets Django up

from appointment.models import Appointment  # isort: skip

if __name__ == "__main__":
    print(Appointment.objects.count())
