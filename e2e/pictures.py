"""The pictures of the documentation: `python -m e2e.pictures docs/img`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from domain.demo.data.people import HEATHER
from e2e import states
from e2e.addresses import step
from e2e.browsing import DESKTOP, PHONE, Device, Inspector, launch_options
from e2e.patient import Patient
from e2e.portal import Portal


def slots_of_anyone(on: Patient) -> None:
    on.opens(step(on.portal, "creneau", intervenant="tous"))


PICTURES = {
    "desktop-dashboard": (DESKTOP, states.dashboard),
    "phone-dashboard": (PHONE, states.dashboard),
    "phone-slots": (PHONE, slots_of_anyone),
    "phone-confirmation": (PHONE, states.confirmation),
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        Portal(Path(data)).running() as portal,
        sync_playwright() as playwright,
        playwright.chromium.launch(**launch_options()) as browser,
    ):
        for name, (device, reach) in PICTURES.items():
            portal.begin_again()
            patient = open_signed_in(browser, portal, device)
            reach(patient)
            patient.page.wait_for_load_state()
            patient.page.screenshot(path=folder / f"{name}.png")
            patient.page.context.close()


def open_signed_in(browser: Browser, portal: Portal, device: Device) -> Patient:
    context = device.open(browser, portal.url, device_scale_factor=2)
    inspector = Inspector(Path(tempfile.mkdtemp(dir=portal.settings.data_dir)))
    patient = Patient(context.new_page(), portal, device, inspector)
    patient.signs_in_at_once(HEATHER.email)
    return patient


if __name__ == "__main__":
    main(Path(sys.argv[1]))
