"""A real browser without a network, for the pages that the zoo writes."""

import json
import shutil
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which root cannot have
    "--disable-dev-shm-usage",  # small in containers
    "--disable-gpu",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no name leads anywhere
    "--proxy-server=direct://",
)


def installed():
    """Whether there is a Chromium and its driver."""
    return bool(_program()) and bool(shutil.which("chromedriver"))


def _program():
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


class Browser:
    """Chromium, headless and offline; what pages say and ask for is recorded."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = _program()
        for flag in FLAGS:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))

    def open(self, path, width=1200, height=900, **features):
        """Opens a file, in a window of this size; features such as prefers_color_scheme="dark"."""
        for log in ("browser", "performance"):
            self.driver.get_log(log)  # what earlier pages said
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        self.driver.get(Path(path).resolve().as_uri())
        return Page(self.driver)

    def close(self):
        """Ends the browser and its driver."""
        self.driver.quit()


class Page:
    """A page that is open."""

    def __init__(self, driver):
        self.driver = driver

    def run(self, script, *arguments):
        """The value that a script returns."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector, what="textContent"):
        """A property of each element that a CSS selector finds."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e[arguments[1]])"
        return self.run(script, selector, what)

    def click(self, selector):
        """Clicks the element that a CSS selector finds."""
        self.driver.find_element("css selector", selector).click()

    @property
    def console(self):
        """Everything that the console holds: errors, warnings, violated policies."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    @property
    def fetched(self):
        """Every address asked for but those that hold their own data."""
        messages = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        addresses = [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
        return [address for address in addresses if not address.startswith("data:")]

    @property
    def broken_images(self):
        """The texts that stand for the images that could not be shown."""
        shown = "i => i.complete && i.naturalWidth"
        return self.run(f"return [...document.images].filter(i => !({shown})(i)).map(i => i.alt)")

    @property
    def overflow(self):
        """Pixels by which the page is wider than its window."""
        return self.run("return document.documentElement.scrollWidth - window.innerWidth")
