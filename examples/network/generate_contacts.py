"""Writes any number of made-up contacts for the stores of the example network, the same ones for the same seed.

    python examples/network/generate_contacts.py 1000000 --seed 7 > contacts-million.csv
    samverkan import contacts-million.csv
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parent
COLUMNS = (
    "email", "entity", "first_name", "last_name", "city", "postal_code", "country", "language", "birth_year", "score",
    "opted_out", "segment", "last_purchase",
)
COUNTRIES = {
    "Europe/Stockholm": "SE", "Europe/Oslo": "NO", "Europe/Copenhagen": "DK", "Europe/Helsinki": "FI",
    "Europe/Mariehamn": "FI",
}
FIRST_NAMES = {
    "SE": ("Alva", "Birgitta", "Elin", "Fredrik", "Greta", "Hugo", "Kerstin", "Lovisa", "Olle", "Sixten", "Ylva"),
    "NO": ("Astrid", "Bjørn", "Frida", "Henrik", "Kjersti", "Magnus", "Nora", "Odd", "Ragna", "Vegard"),
    "DK": ("Agnete", "Bent", "Clara", "Emil", "Jens", "Kirsten", "Laura", "Niels", "Rikke", "Viggo"),
    "FI": ("Aada", "Elina", "Heikki", "Kaisa", "Lauri", "Matti", "Pirkko", "Sanna", "Tapio", "Veera"),
}
LAST_NAMES = {
    "SE": ("Alm", "Björk", "Dahlin", "Ekström", "Falk", "Hallberg", "Lundin", "Palm", "Rosén", "Sandell", "Wallin"),
    "NO": ("Berge", "Dahl", "Eide", "Hovland", "Lie", "Moen", "Nygård", "Rønning", "Strand", "Vik"),
    "DK": ("Andersen", "Bech", "Dam", "Krogh", "Lund", "Madsen", "Nørgaard", "Riis", "Toft", "Winther"),
    "FI": ("Aalto", "Hakala", "Järvinen", "Kallio", "Laine", "Mäkelä", "Nurmi", "Peltola", "Saari", "Virta"),
}
ASCII = str.maketrans("åäéøöÅÄÖØ", "aaeooAAOO")
SEGMENTS = ("new", "occasional", "regular", "loyal")
TODAY = date(2026, 11, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write made-up contacts as CSV to the standard output.")
    parser.add_argument("count", type=int, help="how many contacts")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same contacts (default: 1)")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(contacts(arguments.count, arguments.seed))


def contacts(count: int, seed: int) -> Iterator[tuple[object, ...]]:
    """`count` contacts. Some stores have several times as many as others, as in life."""
    chance, stores = Random(seed), read_stores()
    weights = [chance.uniform(0.5, 1.5) for _ in stores]
    for number in range(1, count + 1):
        yield contact(chance, chance.choices(stores, weights)[0], number)


def contact(chance: Random, store: dict[str, str], number: int) -> tuple[object, ...]:
    """One contact; the number keeps e-mail addresses apart."""
    country = COUNTRIES[store["time_zone"]]
    first, last = chance.choice(FIRST_NAMES[country]), chance.choice(LAST_NAMES[country])
    postal_code, city = store["address"].rpartition(", ")[2].split(" ", 1)
    score = min(100, int(chance.expovariate(1 / 30)))
    return (
        f"{first}.{last}.{number}@post.example".translate(ASCII).lower(), store["code"], first, last, city, postal_code,
        country, store["locale"].partition("-")[0], chance.randint(1940, 2007), score, int(chance.random() < 0.04),
        SEGMENTS[min(3, score // 20)], TODAY - timedelta(days=chance.randint(1, 900)),
    )


def read_stores() -> list[dict[str, str]]:
    """The entities that stand below a region."""
    with (FOLDER / "entities.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["parent"] not in ("", "HQ")]


if __name__ == "__main__":
    main()
