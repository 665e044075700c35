"""Simulate purchases.csv: what customers spend on products, in logs.

Every customer buys a few products again and again, so that the taste of a customer for a product
(the interaction) can be told from the noise of a single purchase. Two corners are planted:

- product ``P25`` was bought once, by customer ``C07``, for far more than usual (a "bump"). Its one
  row is all that is known about the product, about the pair and about that purchase;
- customer ``C60`` buys only product ``P24``, which nobody else buys: an isolated pair, of which
  only the sum customer + product + interaction is seen.

Run it with ``python examples/customers_products/make_data.py``; the seed is fixed.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

SEED = 20240115
N_CUSTOMERS = 60
N_PRODUCTS = 25
PRODUCTS_PER_CUSTOMER = 5
ROWS_PER_PAIR = 3
MEAN = 3.0
SD_CUSTOMER, SD_PRODUCT, SD_PAIR, SD_ROW = 0.5, 0.1, 0.3, 0.4
SINGLETON = ("C07", "P25", 5.0)
ISOLATED = ("C60", "P24")


def simulate() -> list[tuple[str, str, float]]:
    """Return the rows ``(customer, product, log_spend)``."""
    rng = np.random.default_rng(SEED)
    customers = [f"C{i:02d}" for i in range(1, N_CUSTOMERS + 1)]
    products = [f"P{i:02d}" for i in range(1, N_PRODUCTS + 1)]
    taste = dict(zip(customers, rng.normal(0, SD_CUSTOMER, N_CUSTOMERS), strict=True))
    price = dict(zip(products, rng.normal(0, SD_PRODUCT, N_PRODUCTS), strict=True))
    shared = [p for p in products if p not in (SINGLETON[1], ISOLATED[1])]
    rows = []
    for customer in customers:
        if customer == ISOLATED[0]:
            bought = [ISOLATED[1]]
        else:
            bought = sorted(rng.choice(shared, PRODUCTS_PER_CUSTOMER, replace=False))
        for product in bought:
            centre = MEAN + taste[customer] + price[product] + rng.normal(0, SD_PAIR)
            for noise in rng.normal(0, SD_ROW, ROWS_PER_PAIR):
                rows.append((customer, str(product), round(float(centre + noise), 4)))
        if customer == SINGLETON[0]:
            rows.append(SINGLETON)
    return rows


def main() -> None:
    path = Path(__file__).with_name("purchases.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["customer", "product", "log_spend"])
        writer.writerows(simulate())


if __name__ == "__main__":
    main()
