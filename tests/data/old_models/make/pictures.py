"""Makes the pictures that the old models were tried on: shapes on cloudy noise, of odd sizes."""

import sys
from pathlib import Path

import cv2
import numpy as np

SIZES = [(120, 160), (97, 131), (151, 90)]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.RandomState(4)
    for number, (height, width) in enumerate(SIZES):
        coarse = random.randint(0, 256, (height // 20 + 2, width // 20 + 2, 3)).astype(np.uint8)
        image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        for _ in range(6):
            center = (int(random.randint(width)), int(random.randint(height)))
            color = [int(value) for value in random.randint(0, 256, 3)]
            cv2.circle(image, center, int(random.randint(6, 30)), color, -1)
        cv2.imwrite(str(folder / f"{number}.png"), image)


main(Path(sys.argv[1]))
