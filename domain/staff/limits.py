"""How often the doors of the clinic's side may be tried: counted apart from the patients'."""

from datetime import timedelta

from domain.accounts.throttles import Limit

SIGN_IN_PER_ADDRESS = Limit("staff-sign-in", 10, timedelta(minutes=15))
SIGN_IN_PER_IP = Limit("staff-sign-in-ip", 60, timedelta(hours=1))
CODES = Limit("staff-code", 5, timedelta(minutes=15))
CODES_A_DAY = Limit("staff-code-day", 20, timedelta(days=1))
RESETS_PER_ADDRESS = (
    Limit("staff-reset", 3, timedelta(hours=1)),
    Limit("staff-reset-day", 10, timedelta(days=1)),
)
RESETS_PER_IP = Limit("staff-reset-ip", 20, timedelta(hours=1))
LINKS_SENT = Limit("staff-link", 5, timedelta(hours=1))
"""To one member by the administrators."""
TEST_MAILS = Limit("staff-test-mail", 10, timedelta(hours=1))
