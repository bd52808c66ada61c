"""What the explorer's server gives to nobody: without its token, to hostile addresses, to too many tabs."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import websockets.sync.client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from squidlib.teaching.explorer.server import serving
from squidlib.teaching.explorer.timing import move, open_explorer
from tests.browser.actions import changes, picture
from tests.browser.conftest import Served

SCRIPT = "window.hostile = 1"
HOSTILE = (  #: runs where it is written into a page as it stands: between tags, in an attribute, in a script
    f'"><script>{SCRIPT}</script>',
    f"'><img src=x onerror='{SCRIPT}'>",
    f"</script><script>{SCRIPT}</script>",
    f'";{SCRIPT};//',
)
OF_VOILA = ("theme", "template", "next", "classic-tree", "anything", quote("".join(HOSTILE)))
OF_THE_EXPLORER = ("image", "edits", "slots", "score")
PARAMETERS = (*OF_VOILA[:-1], *OF_THE_EXPLORER)


def status(address: str, token: str = "", method: str = "GET") -> tuple[int, str]:
    asked = urllib.request.Request(address, method=method, headers={"Authorization": f"token {token}"} if token else {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=30) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_without_the_token_nobody_gets_in(voila: Served) -> None:
    base = voila.address.partition("?")[0]
    assert base.startswith("http://127.0.0.1:")
    code, text = status(base)
    assert code != 200 or "squid" not in text.lower()
    assert status(f"{base}?token=wrong")[1].count("squid-") == 0


@pytest.mark.parametrize("name", ["api/terminals", "api/contents", "api/sessions", "api/kernelspecs", "terminals/1"])
def test_it_offers_no_shell_and_no_files(voila: Served, name: str) -> None:
    base, _, token = voila.address.partition("?token=")
    assert status(base + name, token)[0] in (403, 404, 405)
    assert status(base + name, token, "POST")[0] in (403, 404, 405)


def test_neither_source_nor_files_of_the_page_are_served(voila: Served, page: Page) -> None:
    base, _, token = voila.address.partition("?token=")
    assert "explore_page" not in page.content()
    for name in ("page.ipynb", "voila/templates/squid/conf.json"):
        assert status(f"{base}voila/files/{name}", token)[0] in (403, 404)


def test_the_kernel_takes_no_code_from_the_browser(voila: Served, context: BrowserContext, tmp_path: Path) -> None:
    page = context.new_page()
    channels: list[str] = []
    page.on("websocket", lambda socket: channels.append(socket.url))
    open_explorer(page, voila.address)
    (channel,) = [address for address in channels if address.endswith("channels") or "channels?" in address][:1]
    channel = re.sub("session_id=[^&]*", f"session_id={uuid.uuid4()}", channel)  # else the two are rivals
    token, proof = voila.address.partition("?token=")[2], tmp_path / "proof"
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": "s",
              "date": "2026-01-01T00:00:00Z", "version": "5.3"}  # fmt: skip
    content = {"code": f"open({str(proof)!r}, 'w').close()", "silent": False, "store_history": False,
               "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}  # fmt: skip
    message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}
    with websockets.sync.client.connect(
        channel, additional_headers={"Authorization": f"token {token}"}, proxy=None
    ) as socket:
        socket.send(json.dumps(message))
        page.wait_for_timeout(3000)
    assert not proof.exists()
    changes(page, lambda: picture(page), lambda: move(page, "Memory size", "ArrowLeft"))  # and it still answers


def test_nothing_of_an_address_is_written_into_the_page(voila: Served) -> None:
    mark = "q7x9hostile"
    asked = [f"{name}={quote(text)}{mark}" for text in HOSTILE for name in (*PARAMETERS, quote(text))]
    code, page = status("&".join([voila.address, *asked]))
    assert code == 200
    assert "squid" in page.lower()
    assert mark not in page


@pytest.mark.parametrize("names", [OF_VOILA, *((name,) for name in OF_THE_EXPLORER)], ids=lambda names: names[0])
def test_no_parameter_of_an_address_runs_a_script(voila: Served, context: BrowserContext, names: tuple[str]) -> None:
    page, text = context.new_page(), quote("".join(HOSTILE))
    page.goto("&".join([voila.address, *(f"{name}={text}" for name in names)]) + f"#{text}")
    page.wait_for_selector(".squid-verdict", timeout=120_000)  # a view is shown, with or without a refusal in words
    page.wait_for_timeout(500)
    assert page.evaluate("window.hostile") is None


@pytest.mark.parametrize("name", PARAMETERS)
def test_no_parameter_of_the_login_page_runs_a_script(voila: Served, context: BrowserContext, name: str) -> None:
    page = context.new_page()
    page.goto(f"{voila.address.partition('?')[0]}login?{name}={quote(''.join(HOSTILE))}")
    page.wait_for_timeout(200)
    assert page.evaluate("window.hostile") is None


def test_cookies_are_sent_by_no_other_sites_page(page: Page, context: BrowserContext) -> None:
    cookies = {cookie["name"]: cookie for cookie in context.cookies()}
    login = [cookie for name, cookie in cookies.items() if name.startswith("username-")]
    assert len(login) == 1
    assert login[0]["httpOnly"] is True
    assert {cookie["sameSite"] for cookie in cookies.values()} == {"Strict"}


def kernel_threads(server: int) -> set[str]:
    """How many threads the kernels of that server's pages were told to take."""
    return {child.environ()["OMP_NUM_THREADS"] for child in psutil.Process(server).children(recursive=True)}


def test_a_tab_too_many_is_refused_in_words_until_one_is_closed(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    log = tmp_path / "log.txt"
    with log.open("wb") as file, serving(log=file.fileno(), port=8890, tabs=1) as (address, process):
        private = chromium.new_context()
        first, second = private.new_page(), private.new_page()
        open_explorer(first, address)
        assert kernel_threads(process.pid) == {"2"}  # what the user set
        answer = second.goto(address)
        assert answer is not None
        assert answer.status == 503
        expect(second.locator("body")).to_contain_text("1 tabs of the explorer are open; close one")
        changes(first, lambda: picture(first), lambda: move(first, "Memory size", "ArrowLeft"))  # the first goes on
        first.close()
        for _ in range(60):  # until the server has noticed
            answer = second.goto(address)
            if answer is not None and answer.status == 200:
                break
            second.wait_for_timeout(500)
        second.wait_for_selector(".squid-verdict", timeout=120_000)
        private.close()


def test_the_kernel_of_a_page_takes_one_thread_and_is_freed_when_nobody_moves_it(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    log = tmp_path / "log.txt"
    with log.open("wb") as file, serving(log=file.fileno(), port=8895, idle=8) as (address, process):
        private = chromium.new_context()
        page = private.new_page()
        open_explorer(page, address)
        server = psutil.Process(process.pid)
        assert kernel_threads(process.pid) == {"1"}
        for _ in range(60):
            if not server.children(recursive=True):
                break
            page.wait_for_timeout(500)
        assert not server.children(recursive=True)
        private.close()
