"""Confusion and correlation matrices, and those of classes."""

import re

import numpy as np
import pytest

from zoo.reporting import class_similarities, confusion_matrix, correlation_matrix
from zoo.reporting.matrices import described, most_alike, pooled
from zoo.reporting.sheet import MINUS

COUNTS = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])
NAMES = ["cat", "dog", "ship"]


class TestConfusion:
    def test_rows_are_shares_of_their_class(self, texts):
        figure = confusion_matrix(COUNTS, NAMES, "k-NN, k = 5")
        found = texts(figure)
        start = found.index("k-NN, k = 5") + 1
        assert found[start:] == [
            *NAMES,
            *("cat", "80", "20"),
            *("dog", "25", "75"),
            *("ship", "\N{EN DASH}", "\N{EN DASH}", "\N{EN DASH}"),
        ]
        drawn = figure.axes[0].collections[0].get_array()
        np.testing.assert_array_equal(drawn[:2], [[0.8, 0.2, 0], [0.25, 0.75, 0]])
        assert drawn.mask[2].all()

    def test_it_says_how_many_are_right_and_what_is_mistaken_most(self, texts):
        words = " ".join(texts(confusion_matrix(COUNTS, NAMES)))
        assert "Right: 78.6 % of 14. Mistaken most: dog for cat (25 %), cat for dog (20 %)." in (
            words
        )
        assert "Mistaken" not in " ".join(texts(confusion_matrix(np.eye(2, dtype=int))))

    @pytest.mark.parametrize("size", [2, 30])
    def test_a_page_that_has_words_of_its_own_gets_none(self, size, texts):
        found = texts(confusion_matrix(np.eye(size, dtype=int), title=""))
        assert not any("Rows" in text or "taken" in text for text in found)

    def test_right_answers_are_bold(self):
        texts = confusion_matrix(COUNTS, NAMES).axes[0].texts
        bold = [text.get_text() for text in texts if text.get_fontweight() == "bold"]
        assert bold == ["Which class is taken for which", "80", "75", "\N{EN DASH}"]

    @pytest.mark.parametrize("size", [1, 2, 20, 21, 600])
    @pytest.mark.parametrize("name", ["a", "a class with a very long name indeed"])
    def test_every_size_is_laid_out(self, size, name, inside, overlapping):
        counts = np.random.default_rng(0).integers(1, 9, (size, size))
        figure = confusion_matrix(counts, [name] * size, "protocol")
        assert figure.bbox.width <= (1020 if size <= 100 else 1300)
        assert inside(figure)
        assert not overlapping(figure)

    def test_many_classes_say_what_the_darkest_colour_means(self, texts):
        counts = np.ones((30, 30), int)
        counts[3, 4] = 11
        figure = confusion_matrix(counts)
        assert "The darkest: 28 %." in " ".join(texts(figure))
        assert "Mistaken most: 3 for 4 (28 %)" in " ".join(texts(figure))
        assert figure.axes[0].collections[0].get_clim() == (0, 11 / 40)

    @pytest.mark.parametrize(
        ("matrix", "names", "message"),
        [
            (np.zeros((2, 2), int), None, "0 or more and not all 0. Received: int64 of shape"),
            (np.ones((2, 3), int), None, "whole numbers of shape (classes, classes)"),
            (np.ones((2, 2)), None, "Received: float64 of shape (2, 2)."),
            (-np.eye(2, dtype=int), None, "Expected matrix: whole numbers"),
            (
                COUNTS,
                ["a"],
                "class_names: 3 names, one for each row of the matrix. Received: ['a']",
            ),
        ],
    )
    def test_wrong_arguments_are_refused(self, matrix, names, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            confusion_matrix(matrix, names)


class TestCorrelation:
    def test_the_matrix_is_drawn_as_it_is(self, texts):
        matrix = np.array([[1.0, -0.5], [0.25, 0.5]])
        figure = correlation_matrix(matrix, "8 images")
        shown, scale = figure.axes[0].images
        np.testing.assert_array_equal(shown.get_array(), matrix)
        assert shown.get_clim() == (-1, 1)
        assert shown.get_cmap() == scale.get_cmap()
        title, *words, protocol, size, low, high = texts(figure)
        assert (title, protocol) == ("Which dimensions say the same", "8 images")
        assert (size, low, high) == ("2 x 2 dimensions", MINUS + "1", "1")
        assert " ".join(words) == (
            "Diagonal: 0.75 on average, 0.50 at least. "
            f"Off it: 0.395 in the root mean square, the strongest {MINUS}0.50."
        )

    def test_signs_are_told_apart_and_nothing_is_pale(self):
        colour = correlation_matrix(np.eye(2)).axes[0].images[0].cmap
        orange, paper, blue = (np.array(colour(level)[:3]) for level in (0.0, 0.5, 1.0))
        assert orange[0] > orange[2]
        assert blue[2] > blue[0]
        assert paper.min() > 0.9

    @pytest.mark.parametrize("size", [1, 2, 64, 65, 512, 513, 1100])
    def test_every_size_is_laid_out(self, size, inside, overlapping):
        rng = np.random.default_rng(0)
        matrix = rng.uniform(-0.1, 0.1, (size, size))
        np.fill_diagonal(matrix, 0.9)
        figure = correlation_matrix(matrix, "protocol")
        shown = figure.axes[0].images[0].get_array()
        assert len(shown) <= 512
        assert (np.diag(shown) == 0.9).all()
        assert len(figure.axes[0].images) == 2 + (size > 64)  # the corner, enlarged
        assert figure.bbox.width <= 900
        assert inside(figure)
        assert not overlapping(figure)

    def test_a_pooled_matrix_loses_neither_redundancy_nor_a_dead_dimension(self):
        matrix = np.eye(10)
        matrix[1, 8] = -0.75  # in the block of rows 0..2 and columns 6..8
        matrix[4, 4] = 0.1
        small = pooled(matrix, 4)
        assert small.shape == (4, 4)
        assert small[0, 2] == -0.75
        assert np.diag(small).tolist() == [1, 0.1, 1, 1]
        assert np.count_nonzero(small) == 5

    def test_a_small_matrix_is_not_pooled(self):
        matrix = np.eye(4)
        assert pooled(matrix, 4) is matrix

    def test_what_is_not_known_is_blank(self, texts):
        matrix = np.full((3, 3), np.nan)
        assert correlation_matrix(matrix).axes[0].images[0].get_array().mask.all()
        assert "There is no correlation on the diagonal." in texts(correlation_matrix(matrix))
        assert np.isnan(pooled(matrix, 2)).all()
        matrix[0, 0] = 0.5
        assert described(matrix) == "Diagonal: 0.50 on average, 0.50 at least."

    @pytest.mark.parametrize(
        ("matrix", "message"),
        [
            (np.zeros((2, 3)), "Expected matrix: as many rows as columns. Received: (2, 3)."),
            (np.zeros(2), "numbers of shape (any, any), none of them 0. Received: float64 of"),
            (np.zeros((0, 0)), "Received: float64 of shape (0, 0)."),
            (np.full((2, 2), 1.5), "Expected matrix: -1..1. Received: values from 1.5 to 1.5."),
            (np.array([["a"]]), "Received: <U1 of shape (1, 1)."),
        ],
    )
    def test_wrong_matrices_are_refused(self, matrix, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            correlation_matrix(matrix)

    def test_rounding_is_mended(self):
        shown = correlation_matrix(np.eye(2) * (1 + 1e-6)).axes[0].images[0].get_array()
        assert shown.max() == 1


class TestClasses:
    COSINES = np.array([[1, 0.5, -0.25], [0.5, 1, 0], [-0.25, 0, 1]])

    def test_each_cell_has_its_number(self, texts):
        figure = class_similarities(self.COSINES, NAMES, "PiCO")
        found = texts(figure)
        start = found.index("PiCO") + 1
        assert found[start:] == [
            *NAMES,
            *("cat", "1.00", "0.50", MINUS + "0.25"),
            *("dog", "0.50", "1.00", "0.00"),
            *("ship", MINUS + "0.25", "0.00", "1.00"),
        ]
        drawn = figure.axes[0].collections[0]
        np.testing.assert_array_equal(drawn.get_array(), self.COSINES)
        assert drawn.get_clim() == (-1, 1)

    def test_the_pairs_that_are_most_alike_are_named(self, texts):
        words = (
            f"Most alike, by cosine: cat and dog (0.50), dog and ship (0.00), cat and ship "
            f"({MINUS}0.25)."
        )
        assert most_alike(self.COSINES, NAMES) == words
        assert words in " ".join(texts(class_similarities(self.COSINES, NAMES)))
        assert most_alike(np.eye(1), ["cat"]) == "There are no two classes to compare."

    def test_a_class_of_which_nothing_is_known_stays_blank(self, texts):
        cosines = self.COSINES.copy()
        cosines[1] = cosines[:, 1] = np.nan
        figure = class_similarities(cosines, NAMES)
        assert texts(figure).count("\N{EN DASH}") == 5
        assert figure.axes[0].collections[0].get_array().mask.sum() == 5
        assert most_alike(cosines, NAMES) == f"Most alike, by cosine: cat and ship ({MINUS}0.25)."

    @pytest.mark.parametrize("size", [1, 2, 20, 21, 100])
    @pytest.mark.parametrize("name", ["a", "a class with a very long name indeed"])
    def test_every_size_is_laid_out(self, size, name, inside, overlapping):
        figure = class_similarities(np.eye(size), [name] * size, "protocol")
        assert inside(figure)
        assert not overlapping(figure)

    def test_a_page_that_has_words_of_its_own_gets_none(self, texts):
        assert not any("alike" in text for text in texts(class_similarities(np.eye(3), title="")))

    @pytest.mark.parametrize(
        ("matrix", "names", "message"),
        [
            (np.ones((2, 3)), None, "as many rows as columns"),
            (np.full((2, 2), 1.5), None, r"Expected matrix: -1\.\.1"),
            (np.eye(2), ["a"], "2 names, one for each row of the matrix"),
        ],
    )
    def test_refuses(self, matrix, names, message):
        with pytest.raises(ValueError, match=message):
            class_similarities(matrix, names)
