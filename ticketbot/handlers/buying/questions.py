"""What an organizer wants to know before seats are held: an age notice, up to three questions.

People are asked one after the other, by DM; programs send it all with their `buy`. Until the
last answer is there nothing is held and no order exists.
"""

from __future__ import annotations

from dataclasses import replace

from ticketbot.domain import tongues
from ticketbot.domain.command import Buy, CancelOrder, PresentTicket, Unknown
from ticketbot.domain.listing import Listing
from ticketbot.domain.naming import clean, quote
from ticketbot.domain.offer import LONGEST_ANSWER, Question
from ticketbot.domain.speech import has_verb, is_command, one_line
from ticketbot.errors import Refused
from ticketbot.handlers.context import Request
from ticketbot.ledger import questions
from ticketbot.ledger.questions import Answers, Pending
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Said

ANSWER_WITHIN = 1800  # seconds for each answer
YES = frozenset(["y", "yep", "yeah", "agree", "ok", "okay", "sure", "vale", "acepto", *tongues.YES])
NO = frozenset({"no", "n", "nope"})
SKIP = frozenset({"skip", "omitir"})

Step = int | Question
"""What is asked next: to confirm this age, or a question."""


def next_step(listing: Listing, wish: Buy) -> Step | None:
    """What is still to be answered; None when all is."""
    if listing.age is not None and not wish.of_age:
        return listing.age
    said = dict(wish.answers)
    return next((one for one in listing.questions if one.text not in said), None)


def answers(listing: Listing, wish: Buy) -> Answers:
    """What was answered to the questions that the event has now."""
    said = dict(wish.answers)
    return tuple((one.text, said[one.text]) for one in listing.questions if one.text in said)


def checked(listing: Listing, wish: Buy) -> Buy:
    """A program's wish with its answers read as a person's would be; `Refused` says which is wrong.

    A question that may be skipped need not be there.
    """
    if listing.age is not None and not wish.of_age:
        raise Refused("bad-request", "age-unconfirmed", n=listing.age)
    said = dict(wish.answers)
    unknown = said.keys() - {one.text for one in listing.questions}
    if unknown:
        raise Refused("bad-request", "answer-to-nothing", text=quote(min(unknown)))
    read = []
    for question in listing.questions:
        answer = _read(question, said.get(question.text, ""))
        if answer is None:
            raise Refused("bad-request", _missing(question), text=quote(question.text))
        read.append((question.text, answer))
    return replace(wish, answers=tuple(read))


def ask(step: Step, wish: Buy, listing: Listing, person: int, now: int, tx: Tx) -> Reply:
    """Keep the wish, and ask the next thing."""
    questions.wait(tx, person, wish, now)
    return [asking(step, listing)]


def asking(step: Step, listing: Listing) -> Said:
    """The next thing in words."""
    if isinstance(step, int):
        return Said("ask-age", {"title": listing.title, "n": step})
    number = listing.questions.index(step) + 1
    values: dict[str, object] = {"text": step.text, "number": number}
    values |= {"most": len(listing.questions), "choices": step.choices}
    if step.choices:
        return Said("ask-choice", values)
    return Said("ask-optional" if step.optional else "ask", values)


def given_up(request: Request, waits: Pending, now: int, tx: Tx) -> Reply | None:
    """When somebody who was asked says something else: `cancel`, or too late an answer."""
    late = now - waits.at > ANSWER_WITHIN
    command = request.command
    if isinstance(command, CancelOrder) and command.order_id is None and not late:
        questions.give_up(tx, request.person.id)
        return [Said("checkout-given-up")]
    if late and isinstance(command, Unknown | PresentTicket):
        questions.give_up(tx, request.person.id)
        return [Said("checkout-late")]
    return None


def is_answer(request: Request, waits: Pending, now: int) -> bool:
    """Whether what was said can be meant as an answer."""
    return now - waits.at <= ANSWER_WITHIN and not is_command(request.text)


def hear(request: Request, step: Step, wish: Buy, listing: Listing) -> Buy | Said | None:
    """The wish with one more answer; or what to ask again; None: it was something else."""
    line = one_line(request.text).strip()
    word = line.strip(" .!").lower()
    otherwise = None if has_verb(request.text) else _again(step, listing, line)
    if isinstance(step, int):
        if word in NO:
            return Said("too-young", {"title": listing.title, "n": step})
        return replace(wish, of_age=True) if word in YES else otherwise
    if len(line) > LONGEST_ANSWER:
        return Said("answer-long", {"most": LONGEST_ANSWER})
    if word in SKIP:
        line = ""
        otherwise = Said("answer-needed", {"text": step.text})
    answer = _read(step, line)
    if answer is None:
        return otherwise
    return replace(wish, answers=(*wish.answers, (step.text, answer)))


def _again(step: Step, listing: Listing, line: str) -> Said:
    """The same once more, with why the answer was none."""
    asked = asking(step, listing)
    if isinstance(step, int):
        return Said("ask-age-again", asked.values)
    if step.choices and line:
        values = asked.values | {"answer": quote(line)}
        return Said("ask-choice-again", values)
    return asked


def _read(question: Question, line: str) -> str | None:
    """The answer as it is kept, '' when it was skipped; None when it is none."""
    line = clean(line, LONGEST_ANSWER)
    if not line:
        return "" if question.optional else None
    if not question.choices:
        return line
    for number, choice in enumerate(question.choices, start=1):
        if line.strip(" .").casefold() in (str(number), choice.casefold()):
            return choice
    return None


def _missing(question: Question) -> str:
    return "answer-choice" if question.choices else "answer-missing"
