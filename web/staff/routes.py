"""Every handler of the clinic's side."""

from web.staff import session, today

HANDLERS = [
    session.stay_at_work,
    session.choose_staff_language,
    session.leave_work,
    today.show_day,
]
