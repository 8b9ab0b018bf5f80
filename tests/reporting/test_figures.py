"""Reconstructions, traversals and the information heat map."""

import re
import subprocess
import sys

import numpy as np
import pytest

from zoo.reporting import (
    information,
    neighbours,
    reconstructions,
    to_array,
    traversal,
    views,
)
from zoo.reporting.figures import ink_on
from zoo.reporting.latents import values_text
from zoo.reporting.sheet import GREY, INK, PALE, SEQUENTIAL, VERMILLION

VALUES = [-3.0, -1.0, 1.0, 3.0]
FACTORS = ["x-position", "y-position"]
SHARES = [[0.62, 0.03], [0.02, 0.881], [0.0, 0.001]]


def tile(image, scale):
    return np.broadcast_to(image, (*image.shape[:2], 3)).repeat(scale, 0).repeat(scale, 1)


def places(array, image, scale):
    """The corners at which the enlarged image stands in the array, pixel for pixel."""
    wanted = tile(image, scale)
    height, width = wanted.shape[:2]
    rows, columns = array.shape[0] - height + 1, array.shape[1] - width + 1
    likely = np.ones((rows, columns), bool)
    for y, x in ((0, 0), (height // 2, width // 3), (height - 1, width - 1), (height // 4, 0)):
        likely &= (array[y : y + rows, x : x + columns] == wanted[y, x]).all(axis=-1)
    return [
        (int(y), int(x))
        for y, x in np.argwhere(likely)
        if (array[y : y + height, x : x + width] == wanted).all()
    ]


class TestReconstructions:
    def test_each_original_stands_over_its_reconstruction(self, moving):
        originals, decoded = moving[0], moving[0] // 2
        array = to_array(reconstructions(originals, decoded))
        lefts = []
        for original, copy in zip(originals, decoded, strict=True):
            [(top, left)] = places(array, original, 12)
            assert places(array, copy, 12) == [(top + 98, left)]
            lefts.append(left)
        assert np.diff(lefts).tolist() == [98, 98, 98]

    def test_rows_are_labelled_in_order(self, moving, texts):
        found = texts(reconstructions(moving[0], moving[0], protocol="four test images"))
        assert found == [
            "Originals and reconstructions",
            "Below each original, what the decoder makes of its code.",
            "four test images",
            "originals",
            "reconstructions",
        ]

    @pytest.mark.parametrize("count", [1, 8, 9, 20])
    @pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 3), (64, 1)])
    def test_many_wrap_into_bands_no_wider_than_a_readme(
        self, count, side, channels, texts, inside, overlapping
    ):
        images = np.zeros((count, side, side, channels), np.uint8)
        figure = reconstructions(images, images)
        assert len(figure.axes[0].images) == 2 * count
        assert to_array(figure).shape[1] <= 900
        assert texts(figure).count("originals") == texts(figure).count("reconstructions") >= 1
        assert inside(figure)
        assert not overlapping(figure)

    def test_colours_are_kept(self):
        image = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), np.uint8)
        assert len(places(to_array(reconstructions(image, image)), image[0], 6)) == 2

    def test_grey_is_black_to_white_whatever_the_images_hold(self):
        images = np.full((1, 16, 16, 1), 100, np.uint8)
        images[0, 0, 0] = 101
        assert len(places(to_array(reconstructions(images, images)), images[0], 6)) == 2

    def test_large_images_are_averaged_down(self):
        images = np.zeros((2, 300, 300, 1), np.uint8)
        images[:, ::3] = 255  # every third line is white: a third of the light
        figure = reconstructions(images, images)
        shown = figure.axes[0].images[0].get_array()
        assert shown.shape == (100, 100, 3)
        assert np.unique(shown).tolist() == [85]

    @pytest.mark.parametrize(
        ("originals", "received"),
        [
            (np.zeros((2, 8, 8, 1), np.float32), "float32 of shape (2, 8, 8, 1)"),
            (np.zeros((2, 8, 8), np.uint8), "uint8 of shape (2, 8, 8)"),
            (np.zeros((2, 8, 8, 4), np.uint8), "uint8 of shape (2, 8, 8, 4)"),
            (np.zeros((0, 8, 8, 1), np.uint8), "uint8 of shape (0, 8, 8, 1)"),
        ],
    )
    def test_wrong_images_are_refused(self, originals, received):
        good = np.zeros((2, 8, 8, 1), np.uint8)
        for name, arguments in (("originals", (originals, good)), ("decoded", (good, originals))):
            message = f"Expected {name}: uint8 images 0..255 of shape (n, height, width, 1 or 3)"
            with pytest.raises(ValueError, match=re.escape(message)) as refusal:
                reconstructions(*arguments)
            assert received in str(refusal.value)

    def test_different_shapes_are_refused(self):
        one, two = np.zeros((1, 8, 8, 1), np.uint8), np.zeros((2, 8, 8, 1), np.uint8)
        with pytest.raises(ValueError, match=r"of one shape.*\(1, 8, 8, 1\) and \(2, 8, 8, 1\)"):
            reconstructions(one, two)


class TestViews:
    def test_views_stand_below_their_original(self, moving, texts):
        originals, first, second = moving[0], moving[0] // 2, moving[1]
        figure = views(originals, first, second, "preset digits")
        array = to_array(figure)
        for column in zip(originals, first, second, strict=True):
            [(top, left)], *below = (places(array, image, 12) for image in column)
            assert below == [[(top + 98, left)], [(top + 196, left)]]
        assert texts(figure)[2:] == ["preset digits", "originals", "first view", "second view"]

    @pytest.mark.parametrize("count", [1, 8, 20])
    def test_many_wrap_into_bands(self, count, texts, inside, overlapping):
        images = np.zeros((count, 32, 32, 3), np.uint8)
        figure = views(images, images, images)
        assert len(figure.axes[0].images) == 3 * count
        assert texts(figure).count("second view") >= 1
        assert inside(figure)
        assert not overlapping(figure)

    def test_wrong_images_are_refused(self):
        good, other = np.zeros((2, 8, 8, 1), np.uint8), np.zeros((1, 8, 8, 1), np.uint8)
        with pytest.raises(ValueError, match=r"Expected second view: uint8 images 0\.\.255"):
            views(good, good, good / 255)
        with pytest.raises(ValueError, match=r"originals and views of one shape\. Received: \(2, "):
            views(good, other, good)


class TestNeighbours:
    IMAGES = np.arange(2 * 3 * 64).astype(np.uint8).reshape(2, 3, 8, 8, 1)
    COSINES = [[0.987, -0.25], [1.0, 0.5]]
    LABELS = np.array([[0, 0, 1], [1, 1, 1]])

    def test_neighbours_stand_beside_their_query_with_their_cosines(self, texts):
        figure = neighbours(self.IMAGES, self.COSINES, protocol="of 6 images")
        found = texts(figure)
        assert found[-9:-6] == ["of 6 images", "query", "neighbours"]
        assert found[-6:] == ["", "0.99", "−0.25", "", "1.00", "0.50"]  # noqa: RUF001
        assert not figure.axes[0].patches
        drawn = figure.axes[0].images
        for image, shown in zip(self.IMAGES.reshape(6, 8, 8, 1), drawn, strict=True):
            assert (shown.get_array()[..., :1] == image).all()

    def test_cosines_have_the_decimals_that_tell_them_apart(self, texts):
        found = texts(neighbours(self.IMAGES, [[0.9994, 0.9991], [0.9998, 0.9985]]))
        assert found[-6:] == ["", "0.9994", "0.9991", "", "0.9998", "0.9985"]
        found = texts(neighbours(self.IMAGES, [[1, 1], [0.999, 0.999]]))
        assert found[-6:] == ["", "1.00", "1.00", "", "1.00", "1.00"]  # there is nothing to tell

    def test_neighbours_of_another_class_are_framed(self, texts):
        figure = neighbours(self.IMAGES, self.COSINES, self.LABELS, ["cat", "dog"])
        assert texts(figure)[-6:] == ["cat", "cat", "dog", "dog", "dog", "dog"]
        colours = [text.get_color() for text in figure.axes[0].texts[-6:]]
        assert colours == [GREY, GREY, VERMILLION, GREY, GREY, GREY]
        [frame] = figure.axes[0].patches
        left, right, bottom, top = figure.axes[0].images[2].get_extent()
        assert (frame.get_x(), frame.get_y()) == (left - 1.5, top - 1.5)
        assert (frame.get_width(), frame.get_height()) == (right - left + 3, bottom - top + 3)
        assert "Orange: of another class, 25 % of them." in " ".join(texts(figure))

    def test_neighbours_may_stand_with_their_distances(self, texts):
        found = texts(neighbours(self.IMAGES, [[0.5, 12], [0, 3]], distances=True))
        assert found[-6:] == ["", "0.50", "12.00", "", "0.00", "3.00"]
        assert "the smallest distance from the query's" in " ".join(found)
        for wrong in ([[0.5, -1], [0, 3]], [[0.5, np.nan], [0, 3]], [[1, 2]]):
            with pytest.raises(
                ValueError, match=r"similarities: distances of shape \(2, 2\), each"
            ):
                neighbours(self.IMAGES, wrong, distances=True)

    def test_classes_without_names_are_numbers(self, texts):
        found = texts(neighbours(self.IMAGES, self.COSINES, self.LABELS))
        assert found[-6:] == ["0", "0", "1", "1", "1", "1"]

    @pytest.mark.parametrize(("side", "count"), [(8, 11), (28, 11), (32, 11), (64, 11), (32, 2)])
    def test_every_size_is_laid_out(self, side, count, inside, overlapping):
        images = np.zeros((8, count, side, side, 3), np.uint8)
        labels = np.tile(np.arange(count), (8, 1))
        names = ["a class with a long name"] * count
        figure = neighbours(images, np.zeros((8, count - 1)), labels, names, "protocol")
        assert figure.bbox.width <= 900
        assert inside(figure)
        assert not overlapping(figure)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"images": np.zeros((2, 3, 8, 8), np.uint8)}, "(queries, 1 + neighbours, height, "),
            ({"similarities": [[0.5]] * 2}, "similarities: numbers of shape (2, 2), none of them"),
            ({"similarities": [[0.5, 2]] * 2}, "similarities: -1..1. Received: values from 0.5 to"),
            ({"labels": [[0, 1]] * 2}, "labels: integers of shape (2, 3). Received: int64 of shap"),
            ({"labels": LABELS * 0.5}, "Received: float64 of shape (2, 3)."),
            ({"labels": LABELS, "class_names": ["a"]}, "labels: 0 to 0, as there are 1 names."),
        ],
    )
    def test_wrong_arguments_are_refused(self, changes, message):
        good = {"images": self.IMAGES, "similarities": self.COSINES}
        with pytest.raises(ValueError, match=re.escape(message)):
            neighbours(**{**good, **changes})


class TestTraversal:
    def test_rows_are_sorted_by_kl_and_labelled(self, moving, texts):
        figure = traversal(moving, VALUES, [1.234, 2.41, 0.001], FACTORS, SHARES)
        assert texts(figure)[-10:] == [
            *("−3", "−1", "+1", "+3"),  # noqa: RUF001
            *("z1 · KL 2.41", "y-position 88 %"),
            *("z0 · KL 1.23", "x-position 62 %"),
            *("z2 · KL 0.00", "unused"),
        ]

    def test_images_move_with_their_labels(self, moving):
        array = to_array(traversal(moving, VALUES, [1.0, 2.0, 0.0]))
        tops = []
        for row in (1, 0):  # the order by KL
            corners = []
            for image in moving[row]:
                [corner] = places(array, image, 12)
                corners.append(corner)
            assert len({top for top, _ in corners}) == 1
            assert np.diff([left for _, left in corners]).tolist() == [98, 98, 98]
            tops.append(corners[0][0])
        assert tops[1] == tops[0] + 98
        assert len(places(array, moving[2, 0], 12)) == 4

    def test_without_kl_rows_stay_as_they_come(self, moving, texts):
        figure = traversal(moving, VALUES, factors=FACTORS, information=SHARES, latents=[7, 1, 30])
        assert texts(figure)[-6:] == [
            *("z7", "x-position 62 %", "z1", "y-position 88 %", "z30", "no factor")
        ]

    def test_unused_latents_are_grey(self, moving):
        figure = traversal(moving, VALUES, [1.0, 0.026, 0.021], FACTORS, SHARES)
        colours = {t.get_text(): t.get_color() for t in figure.axes[0].texts}
        assert colours["z0 · KL 1.00"] == colours["z1 · KL 0.03"] == INK
        assert colours["z2 · KL 0.02"] == colours["unused"] == PALE

    def test_a_bar_is_as_long_as_the_share(self, moving):
        figure = traversal(moving, VALUES, factors=FACTORS, information=SHARES)
        whole, part, *rest = figure.axes[0].patches
        assert part.get_width() == pytest.approx(0.62 * whole.get_width())
        assert len(rest) == 2  # none for the latent without a factor

    def test_nan_kl_comes_last_and_is_not_called_unused(self, moving, texts):
        found = texts(traversal(moving, VALUES, [np.nan, 1.0, 0.0]))
        assert found[-4:] == ["z1 · KL 1.00", "z2 · KL 0.00", "unused", "z0 · KL nan"]

    def test_factors_without_information_are_passed_over(self, moving, texts):
        shares = [[np.nan, 0.4], [np.nan, np.nan], [np.nan, 0.0]]
        found = texts(traversal(moving, VALUES, factors=FACTORS, information=shares))
        assert found[-6:] == ["z0", "y-position 40 %", "z1", "no factor", "z2", "no factor"]

    @pytest.mark.parametrize(
        ("rows", "steps", "side"), [(1, 1, 64), (2, 11, 32), (32, 11, 64), (1, 7, 8), (10, 2, 16)]
    )
    def test_every_size_is_laid_out(self, rows, steps, side, inside, overlapping):
        images = np.zeros((rows, steps, side, side, 1), np.uint8)
        shares = np.full((rows, 1), 0.5)
        kl = np.linspace(0, 20, rows)
        figure = traversal(images, np.linspace(-3, 3, steps), kl, ["orientation"], shares)
        assert len(figure.axes[0].images) == rows * steps
        assert 480 <= figure.bbox.width <= 920
        assert inside(figure)
        assert not overlapping(figure)

    def test_images_that_are_not_square(self, inside):
        images = np.random.default_rng(0).integers(0, 256, (2, 3, 16, 40, 1), np.uint8)
        figure = traversal(images, [0, 1, 2])
        array = to_array(figure)
        assert all(len(places(array, image, 2)) == 1 for row in images for image in row)
        assert inside(figure)

    def test_long_names_are_cut_but_keep_their_share(self, moving, texts, inside):
        names = ["a_factor_with_a_name_that_no_label_has_any_room_for", "$\\b{ad}$ math$"]
        figure = traversal(moving, VALUES, factors=names, information=SHARES)
        assert texts(figure)[-5].startswith("a_factor_with")
        assert texts(figure)[-5].endswith("… 62 %")
        assert "$\\b{ad}$ math$ 88 %" in texts(figure)
        assert inside(figure)

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([-3, 0, 3], "−3 0 +3"),  # noqa: RUF001
            ([-1.5, 0.0, 1.5], "−1.5 0 +1.5"),  # noqa: RUF001
            ([-2 / 3, -1e-9, 2 / 3], "−0.67 0 +0.67"),  # noqa: RUF001
        ],
    )
    def test_values_are_written_with_as_few_decimals_as_tell_them(self, values, expected):
        assert " ".join(values_text(np.array(values, float))) == expected

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"images": np.zeros((3, 4, 8, 8), np.uint8)}, "images: uint8 images 0..255 of shape"),
            ({"images": np.zeros((3, 4, 8, 8, 1))}, "Received: float64 of shape (3, 4, 8, 8, 1)"),
            ({"values": [0, 1, 2]}, "values: 4 numbers, one for each step. Received: int64 of"),
            ({"values": ["a"] * 4}, "values: 4 numbers, one for each step. Received: <U1 of"),
            ({"kl": [1.0]}, "kl: 3 numbers, one for each row. Received: float64 of shape (1,)"),
            ({"factors": None}, "factors and information together, or neither. Received: only inf"),
            ({"information": None}, "or neither. Received: only factors."),
            ({"factors": "xy"}, "factors: names, one for each column of information. Received: 'x"),
            ({"factors": [1, 2]}, "one for each column of information. Received: [1, 2]"),
            ({"factors": ["x"]}, "of shape (3, 1), a row for each latent and a column for each fa"),
            ({"information": [[2.0, 0]] * 3}, "0..1 (divide nats by the entropy). Received: value"),
            ({"information": [[-0.1, 0]] * 3}, "Received: values from -0.1 to 0."),
            ({"information": [["a", "b"]] * 3}, "information: numbers of shape (3, 2)"),
            ({"latents": [1, 2]}, "latents: 3 whole numbers from 0, one for each row. Received: i"),
            ({"latents": [1, 2, -3]}, "[1, 2, -3]"),
            ({"latents": [1.0, 2.0, 3.0]}, "Received: float64 of shape (3,), [1.0, 2.0, 3.0]."),
        ],
    )
    def test_wrong_arguments_are_refused(self, moving, changes, message):
        good = {
            "images": moving,
            "values": VALUES,
            "kl": [1, 2, 3],
            "factors": FACTORS,
            "information": SHARES,
        }
        with pytest.raises(ValueError, match=re.escape(message)):
            traversal(**{**good, **changes})


class TestInformation:
    MATRIX = np.array([[0.0, 1.5], [2.0, 0.25], [0.1, 0.0]])

    def test_cells_headings_and_protocol(self, texts):
        figure = information(self.MATRIX, FACTORS, protocol="10,000 samples, 20 bins, seed 0")
        assert texts(figure)[2:] == [
            "10,000 samples, 20 bins, seed 0",
            *FACTORS,
            *("z0", "0.00", "1.50"),
            *("z1", "2.00", "0.25"),
            *("z2", "0.10", "0.00"),
            *("0", "2.00 nats"),
        ]

    def test_shares_are_per_cent_of_the_entropy(self, texts):
        figure = information(self.MATRIX / 2, FACTORS, [4, 5, 9], normalised=True)
        assert texts(figure)[-11:] == [
            *("z4", "0 %", "75 %", "z5", "100 %", "12 %", "z9", "5 %", "0 %"),
            *("0", "100 %"),
        ]
        assert figure.axes[0].collections[0].get_clim() == (0, 1)

    def test_a_factors_largest_cell_is_bold(self):
        figure = information(self.MATRIX, FACTORS)
        bold = [t.get_text() for t in figure.axes[0].texts if t.get_fontweight() == "bold"]
        assert bold[1:] == ["1.50", "2.00"]

    def test_colours_follow_the_matrix(self):
        array = to_array(information(self.MATRIX, FACTORS)).astype(int)
        figure = information(self.MATRIX, FACTORS)
        assert (figure.axes[0].collections[0].get_array() == self.MATRIX).all()
        for level in (0, 1):
            colour = np.rint(np.array(SEQUENTIAL(level * 1.0)[:3]) * 255)
            near = np.abs(array - colour).sum(axis=-1) <= 3
            assert near.sum() > 500  # an empty cell, a full cell

    def test_nothing_known_is_a_pale_map(self, texts):
        figure = information(np.zeros((2, 2)), FACTORS)
        assert texts(figure)[-1] == "1.00 nats"
        assert not any(t.get_fontweight() == "bold" for t in figure.axes[0].texts[1:])

    @pytest.mark.parametrize("matrix", [[[np.nan, 1.0]], [[np.nan, np.nan]]])
    def test_factors_with_one_value_are_left_empty(self, matrix, texts):
        assert "\N{EN DASH}" in texts(information(matrix, FACTORS))

    def test_rounding_is_mended(self, texts):
        found = texts(information([[-1e-9, 1 + 1e-9]], FACTORS, normalised=True))
        assert found[-4:] == ["0 %", "100 %", "0", "100 %"]

    @pytest.mark.parametrize(("rows", "columns"), [(1, 1), (10, 5), (3, 40)])
    @pytest.mark.parametrize("name", ["x", "orientation", "an attribute with a very long name"])
    def test_every_size_is_laid_out(self, rows, columns, name, inside, overlapping):
        matrix = np.full((rows, columns), 0.5)
        figure = information(matrix, [name] * columns, protocol="20 bins")
        assert inside(figure)
        assert not overlapping(figure)

    def test_more_is_darker_and_numbers_are_readable(self):
        def luminance(color):
            part = np.array(color[:3])
            linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
            return linear @ [0.2126, 0.7152, 0.0722]

        levels = np.linspace(0, 1, 101)
        grounds = np.array([luminance(SEQUENTIAL(level)) for level in levels])
        assert (np.diff(grounds) <= 0).all()
        assert grounds[0] - grounds[-1] > 0.8
        for level, ground in zip(levels, grounds, strict=True):
            color = ink_on(level)
            ink = luminance([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
            contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
            assert contrast >= 3.4

    @pytest.mark.parametrize(
        ("matrix", "names", "normalised", "message"),
        [
            (np.zeros((3, 3)), FACTORS, False, "information: numbers of shape (latents, 2)"),
            (np.zeros(2), FACTORS, False, "Received: float64 of shape (2,)"),
            (np.zeros((0, 2)), FACTORS, False, "Received: float64 of shape (0, 2)"),
            (-np.ones((1, 2)), FACTORS, False, "nats, 0 or more. Received: values from -1 to -1"),
            (np.full((1, 2), np.inf), FACTORS, False, "Received: values from inf to inf"),
            (np.full((1, 2), 2), FACTORS, True, "shares of each factor's entropy, 0..1"),
            (np.zeros((1, 2)), [], False, "factor_names: names, one for each column of the matri"),
        ],
    )
    def test_wrong_arguments_are_refused(self, matrix, names, normalised, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            information(matrix, names, normalised=normalised)

    def test_wrong_latents_are_refused(self):
        with pytest.raises(ValueError, match="latents: 3 whole numbers"):
            information(self.MATRIX, FACTORS, latents=[0])


def test_neither_tensorflow_nor_pyplot_is_imported():
    code = (
        "import sys, zoo.reporting as r\n"
        "r.curves({'loss': [1.0]})\n"
        "r.embedding([[1.0, 2.0], [3.0, 5.0]])\n"
        "print([m for m in ('tensorflow', 'keras', 'matplotlib.pyplot') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
