"""A headless Chromium that opens pages from disk, and says what they asked for and complained of."""

import json
import os
import shutil
from pathlib import Path

import pytest

SIZE = (1280, 900)
LOCAL = ("file:", "data:", "blob:", "about:")
WEBGL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NO_WEBGL = ("--disable-gpu", "--disable-3d-apis")
WAIT_SECONDS = 60.0  # a busy machine draws slowly; nothing waits longer than it must


def first_program(*names):
    return next((path for name in names if (path := shutil.which(name))), None)


class Page:
    """A browser with a page."""

    def __init__(self, downloads: Path, *, webgl: bool = True, storage: bool = True) -> None:
        webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
        chromium, driver = first_program("chromium", "chromium-browser", "google-chrome"), first_program("chromedriver")
        if not chromium or not driver:
            pytest.skip("needs chromium and chromedriver (Debian: chromium chromium-driver)")
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        flags = ["--headless=new", "--disable-dev-shm-usage", *(WEBGL if webgl else NO_WEBGL)]
        flags += ["--no-sandbox"] if os.getuid() == 0 else []
        for flag in (*flags, f"--window-size={SIZE[0]},{SIZE[1]}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        wishes = {"download.default_directory": str(downloads)}
        if not storage:
            wishes["profile.default_content_setting_values.cookies"] = 2
        options.add_experimental_option("prefs", wishes)
        self.downloads = downloads
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))

    def open(self, path: Path, hash_: str = "") -> None:
        """Open a page and wait until its table is there."""
        self.driver.get("about:blank")
        self.driver.get(path.as_uri() + hash_)
        self.wait("document.documentElement.dataset.ready === 'yes'")

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: str):
        """Wait until a JavaScript expression holds, and give its value."""
        from selenium.webdriver.support.wait import WebDriverWait

        return WebDriverWait(self.driver, WAIT_SECONDS, 0.02).until(
            lambda _: self.run(f"return {condition}"), message=condition
        )

    def find(self, selector: str):
        return self.driver.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def texts(self, selector: str) -> list[str]:
        return self.run("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a list."""
        script = "const one = document.querySelector(arguments[0]); one.value = arguments[1];"
        self.run(f"{script} one.dispatchEvent(new Event('change'))", selector, value)

    def click_on(self, selector: str) -> None:
        """Click on what may be drawn by SVG."""
        click = "document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('click', {bubbles: true}))"
        self.run(click, selector)

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def complaints(self) -> list[str]:
        """What the page complained of, and addresses beyond this disk that it asked for, since the last time."""
        found = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = message["params"]["request"]["url"]
                found += [] if address.startswith(LOCAL) else [f"asked for {address}"]
        return found
