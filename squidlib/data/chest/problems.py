"""What to do with data that cannot be used: stop at the first flaw, or go on without it and list it."""

from __future__ import annotations

from collections import Counter

from digitanatomy.image_folders import passed_over
from squidlib.data.chest.patients import Pseudonyms
from squidlib.utils.errors import UserError

OR_SKIP = "(or go on without it: --skip-bad)"


class Problems:
    """The flaws of one data set.

    Args:
        skip: False raises at the first; True lists it, and the caller goes on without what it concerns.

    Attributes:
        skipped: one line for each thing left out.
        others: how many files that are no images were passed over, by their endings.
        pseudonyms: of the patients that DICOM files name; one for all folders of the data set.
    """

    def __init__(self, skip: bool) -> None:
        self.skip = skip
        self.skipped: list[str] = []
        self.others: Counter[str] = Counter()
        self.pseudonyms = Pseudonyms()

    def found(self, flaw: str) -> None:
        """Tell of a flaw; ``flaw`` names the thing, what was expected and what came.

        Raises:
            UserError: unless flaws are skipped.
        """
        if not self.skip:
            raise UserError(f"{flaw} {OR_SKIP}")
        self.skipped.append(flaw)

    def notes(self) -> tuple[str, ...]:
        """A line on files that were passed over and are no flaw, where there are any."""
        return (passed_over(self.others),) if self.others else ()
