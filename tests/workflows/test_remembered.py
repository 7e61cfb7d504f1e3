"""What was worked out is kept while it holds and while there is room."""

from __future__ import annotations

from eegdash.workflows.remembered import Remembered


def test_what_was_not_used_for_longest_makes_room() -> None:
    kept = Remembered[str](6)
    made: list[str] = []
    witness = object()

    def ask(key: str, of: object = witness) -> tuple[str, ...]:
        def work_out() -> tuple[str, ...]:
            made.append(key)
            return (key, key)  # weighs three, with the key

        return kept.of(key, of, work_out)

    assert ask("a") == ("a", "a")
    ask("b")
    ask("a")  # known
    ask("c")  # no room for three: b goes
    ask("a")
    assert made == ["a", "b", "c"]
    ask("b")
    assert made == ["a", "b", "c", "b"]
    ask("a", object())  # another witness: worked out anew
    assert made[-1] == "a"
