"""FreeRTOS as far as blocking and the watchdog need it: tasks are generators that yield what they wait for.

A task is a generator. It blocks with ``yield from`` one of the calls here (``sleep``, ``wait``, ``busy``) or one of
:mod:`halfopen.twin.lwip.calls`; between two of them it takes no time. That is enough for what matters here: a task
that waits for ever can be told from one that spins, and both from one that works. There is one core; a task that is
``busy`` keeps tasks of lower or equal priority, and the idle task, from running. It is not pre-empted, since nothing
that the twin wants to show depends on the microseconds of a context switch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from halfopen.twin.world import MS, US

if TYPE_CHECKING:
    from halfopen.twin.world import Timer, World

#: FreeRTOS ticks of ESP-IDF by default, CONFIG_FREERTOS_HZ=100.
TICK_NS = 10 * MS
#: From an event to the task that waits for it: the TCP/IP task finishes first (data/lwip: 100 to 500 us).
SWITCH_NS = 100 * US
#: CONFIG_ESP_TASK_WDT_TIMEOUT_S=5, ESP-IDF's default.
WATCHDOG_NS = 5_000 * MS

#: What a task is: it yields waits and is resumed with whether the condition came (``False``: time ran out).
Running = Generator["Wait", bool, Any]


class Condition:
    """Something tasks wait for. ``notify()`` wakes all of them; each looks again for what it wanted."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Task] = []

    def notify(self) -> None:
        """Wake every task that waits: it runs a context switch later, after what is happening now."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for task in waiting:
                task._rouse()


class Wait:
    """What a task yields: a condition, a time limit, or both. ``what`` names it in words (``recv(54)``)."""

    __slots__ = ("busy", "condition", "limit_ns", "what")

    def __init__(
        self, what: str, condition: Condition | None = None, limit_ns: int | None = None, busy: bool = False
    ) -> None:
        self.what = what
        self.condition = condition
        self.limit_ns = limit_ns
        self.busy = busy


def wait(what: str, condition: Condition, limit_ns: int | None = None) -> Generator[Wait, bool, bool]:
    """Wait until ``condition`` is notified; ``False`` when ``limit_ns`` passed first."""
    return (yield Wait(what, condition, limit_ns))


def sleep(delay_ns: int) -> Generator[Wait, bool, None]:
    """``vTaskDelay``: give the processor away for ``delay_ns``."""
    yield Wait("delay", None, delay_ns)


def busy(delay_ns: int) -> Generator[Wait, bool, None]:
    """Keep the processor for ``delay_ns``: a loop, a checksum, a handshake in software."""
    yield Wait("busy", None, delay_ns, busy=True)


class Task:
    """One task. ``state`` is ready, running, blocked, busy or ended; ``waiting_for`` says what it is blocked in."""

    __slots__ = (
        "_due",
        "_running",
        "_tasks",
        "_wait",
        "ended_with",
        "fed_at",
        "name",
        "priority",
        "since",
        "state",
        "waiting_for",
        "watched",
    )

    def __init__(self, tasks: Tasks, name: str, running: Running, priority: int) -> None:
        self._tasks = tasks
        self._running = running
        self._wait: Wait | None = None
        self._due: Timer | None = None
        self.name = name
        self.priority = priority
        self.state = "ready"
        #: What it waits for (``recv(54)``, ``delay``), and since when (ns).
        self.waiting_for = ""
        self.since = tasks.world.now
        #: The exception that ended it, if one did.
        self.ended_with: Exception | None = None
        #: Subscribed to the task watchdog, and last fed at (ns).
        self.watched = False
        self.fed_at = tasks.world.now

    def _rouse(self) -> None:
        """What it waited for came."""
        if self._due is not None:
            self._due.cancel()
        self._due = self._tasks.world.after(SWITCH_NS, self._wake, True)

    def _wake(self, came: bool) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._wait is not None and self._wait.condition is not None and not came:
            waiting = self._wait.condition._waiting
            if self in waiting:
                waiting.remove(self)
        self._wait = None
        if self.state in ("blocked", "busy"):
            self.state = "ready"
            self._tasks._resume(self, came)

    def stop(self) -> None:
        """``vTaskDelete``: it never runs again; what it held (descriptors, memory) stays held."""
        if (
            self._wait is not None
            and self._wait.condition is not None
            and self in self._wait.condition._waiting
        ):
            self._wait.condition._waiting.remove(self)
        if self._due is not None:
            self._due.cancel()
        self._wait = None
        alone = self.state != "running"
        self.state = "ended"
        if alone:
            self._running.close()


class Tasks:
    """The scheduler of one device and its task watchdog.

    ``on_starved(names, running)`` is called when subscribed tasks were not fed in time; ``IDLE`` is among them when a
    busy task kept the idle task away. ``on_crash(task, error)`` is called when a task ends with an exception; without
    it the exception goes through the world's ``run``.
    """

    def __init__(self, world: World, watchdog_ns: int = WATCHDOG_NS) -> None:
        self.world = world
        self.tasks: list[Task] = []
        self.on_starved: Callable[[list[str], str], None] | None = None
        self.on_crash: Callable[[Task, Exception], None] | None = None
        self._watchdog_ns = watchdog_ns
        self._watchdog: Timer | None = None
        self._busy: Task | None = None
        self._busy_until = -1
        self._busy_since = 0
        self._held_back: list[tuple[Task, bool]] = []

    def start(self, name: str, running: Running, priority: int = 1) -> Task:
        """Create a task; it first runs at this moment, after what is happening now."""
        task = Task(self, name, running, priority)
        self.tasks.append(task)
        self.world.after(0, self._begin, task)
        return task

    def watch(self, task: Task) -> None:
        """``esp_task_wdt_add``: ``task`` promises to call ``feed`` within the watchdog's time."""
        task.watched = True
        task.fed_at = self.world.now
        self._arm()

    def feed(self, task: Task) -> None:
        """``esp_task_wdt_reset``. Tasks that are not watched may call it, nothing happens."""
        task.fed_at = self.world.now

    def reset(self) -> None:
        """Every task ends: the chip was reset."""
        for task in self.tasks:
            task.stop()
        self.tasks.clear()
        self._held_back.clear()
        self._busy = None
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _begin(self, task: Task) -> None:
        if task.state == "ready":
            self._resume(task, True, first=True)

    def _resume(self, task: Task, came: bool, first: bool = False) -> None:
        hog = self._busy
        if hog is not None and hog is not task and task.priority <= hog.priority:
            self._held_back.append((task, came))
            return
        task.state = "running"
        try:
            wait = next(task._running) if first else task._running.send(came)
        except StopIteration:
            task.state = "ended"
            task.since = self.world.now
            if task in self.tasks:
                self.tasks.remove(task)
            return
        except Exception as error:
            task.state = "ended"
            task.ended_with = error
            if task in self.tasks:
                self.tasks.remove(task)
            if self.on_crash is None:
                raise
            self.on_crash(task, error)
            return
        if task.state != "ended":
            self._block(task, wait)

    def _block(self, task: Task, wait: Wait) -> None:
        task._wait = wait
        task.waiting_for = wait.what
        task.since = self.world.now
        task.state = "busy" if wait.busy else "blocked"
        if wait.condition is not None:
            wait.condition._waiting.append(task)
        if wait.busy:
            self._seize(task, wait.limit_ns or 0)
        elif wait.limit_ns is not None:
            task._due = self.world.after(wait.limit_ns, task._wake, False)

    def _seize(self, task: Task, span: int) -> None:
        if self._busy_until != self.world.now:
            self._busy_since = self.world.now
        self._busy = task
        self._busy_until = self.world.now + span
        self._arm()
        task._due = self.world.after(span, self._release, task)

    def _release(self, task: Task) -> None:
        self._busy = None
        task._due = None
        task._wake(True)
        if self._busy is None:
            held, self._held_back = self._held_back, []
            for waiting, came in sorted(held, key=lambda entry: -entry[0].priority):
                if waiting.state == "ready":
                    self._resume(waiting, came)

    def _arm(self) -> None:
        if self._watchdog is None:
            self._watchdog = self.world.after(self._watchdog_ns, self._bark)

    def _bark(self) -> None:
        self._watchdog = None
        now = self.world.now
        late = [task.name for task in self.tasks if task.watched and now - task.fed_at >= self._watchdog_ns]
        hog = self._busy
        if hog is not None and now - self._busy_since >= self._watchdog_ns:
            late.append("IDLE")
        if late and self.on_starved is not None:
            self.on_starved(late, hog.name if hog is not None else "IDLE")
        fed = [task.fed_at for task in self.tasks if task.watched and now - task.fed_at < self._watchdog_ns]
        if any(task.watched for task in self.tasks) or hog is not None:
            due = min(fed, default=now) + self._watchdog_ns
            self._watchdog = self.world.at(max(due, now + MS), self._bark)
