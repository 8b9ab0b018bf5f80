"""The page of sliders: its decoder, in a real browser, gives what the model's gives."""

import json

import numpy as np
import pytest

from applications.exploring import explore
from applications.program import decoder_program
from applications.saved_model import SavedModel
from zoo.data.images import Images
from zoo.data.pixels import ArrayPixels

from .conftest import DECODE, ENCODE, IMAGE, paint, quadrant_means, save_model

SHOWN = """
    const canvas = document.querySelectorAll("canvas.shown")[arguments[0] || 0];
    return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
"""
MOVE = """
    const slider = document.querySelector(`input[data-code="${arguments[0]}"]`);
    slider.value = Number(slider.min) + arguments[1] * (slider.max - slider.min);
    slider.dispatchEvent(new Event("input"));
    return Number(slider.value);
"""

ROWS = """
    const shown = [...document.querySelectorAll("canvas.shown")];
    return shown.map(canvas => Number(canvas.dataset.row));
"""


def convolutional(seed=0):
    """A decoder 8x8 of what decoders are made of, with random weights."""
    import tensorflow as tf

    rng = np.random.default_rng(seed)

    def weights(*shape):
        return tf.Variable(
            rng.normal(0, 1.5 / np.sqrt(np.prod(shape[:-1])), shape), dtype="float32"
        )

    dense, bias, low = weights(4, 18), weights(1, 18), weights(3, 3, 6, 2)
    up, same, back = weights(4, 4, 5, 6), weights(3, 3, 5, 4), weights(4, 4, 3, 4)
    last = weights(2, 2, 1, 3)

    def decode(codes):
        count = tf.shape(codes)[0]
        x = tf.nn.leaky_relu((codes - 0.5) @ dense + bias[0], 0.3)
        x = tf.reshape(x, (count, 3, 3, 2))
        x = tf.nn.elu(tf.nn.conv2d_transpose(x, low, (count, 5, 5, 6), 1, "VALID"))
        x = tf.tanh(tf.nn.conv2d_transpose(x, up, (count, 9, 9, 5), 2, "SAME"))
        x = tf.nn.selu(tf.nn.bias_add(tf.nn.conv2d(x, same, 1, "SAME"), [0.1, 0.0, -0.1, 0.2]))
        x = tf.nn.conv2d(tf.repeat(x, 2, axis=1), tf.transpose(back, (0, 1, 3, 2)), [2, 1], "SAME")
        x = tf.nn.softplus(x) - tf.sqrt(tf.abs(x)) / 2.0 + tf.square(tf.nn.relu6(x)) * 0.1
        x = tf.transpose(x, (0, 2, 1, 3))[:, ::-1, :, :]
        x = tf.nn.conv2d(x, tf.transpose(last, (0, 1, 3, 2)), 1, "VALID")
        x = tf.maximum(tf.minimum(tf.sigmoid(-x), 1.0), 0.0)
        return tf.cast(tf.round(255 * x), "uint8")

    return decode


@pytest.fixture(scope="module")
def convolutions(tmp_path_factory):
    decode = (convolutional(), {"codes": ((None, 4), "float32")}, "image")
    folder = tmp_path_factory.mktemp("convolutions") / "model"
    return save_model(folder, {"encode": ENCODE, "decode": decode})


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A decoder with a dense layer on the channels of every place, of which it makes rows."""
    import tensorflow as tf

    rng = np.random.default_rng(1)
    first, second = (tf.Variable(rng.normal(0, 1, shape), dtype="float32")
                     for shape in ((4, 8 * 8 * 3), (3, 1)))  # fmt: skip

    def decode(codes):
        x = tf.reshape((codes - 0.5) @ first, (-1, 8, 8, 3))
        return tf.sigmoid(tf.tensordot(x, second, axes=1))

    functions = {"encode": ENCODE, "decode": (decode, {"codes": ((None, 4), "float32")}, "image")}
    return save_model(tmp_path_factory.mktemp("places") / "model", functions)


@pytest.fixture
def shown(browser, tmp_path):
    """Opens a page; gives it, a function for its pixels, and its code."""

    def open_page(text, **features):
        path = tmp_path / "explore.html"
        path.write_text(text)
        page = browser.open(path, **features)
        height, width, channels = page.run("return page.shape")

        def pixels(place=0):
            found = np.array(page.run(SHOWN, place)).reshape(height, width, 4)
            return found[..., :channels]

        return page, pixels, lambda: np.array(page.run("return [...code]"), np.float32)

    return open_page


@pytest.mark.parametrize("name", ["quadrants", "float_model", "convolutions", "places"])
def test_the_page_decodes_as_the_model_does(name, request, quadrant_factors, shown):
    model = SavedModel.open(request.getfixturevalue(name), needs=("encode", "decode"))
    page, pixels, code = shown(explore(model, quadrant_factors, samples=300))
    assert page.console == []
    assert len(page.fetched) == 1  # the page
    expected = model.decode(code()[None])[0].astype(int)
    assert np.abs(pixels() - expected).max() <= 1
    before = pixels()
    for latent, share in ((2, 0.4), (0, 0.3), (2, 0.1), (1, 0.55)):  # two at once, and more
        moved = page.run(MOVE, latent, share)
        assert abs(code()[latent] - moved) < 1e-6
        expected = model.decode(code()[None])[0].astype(int)
        assert np.abs(pixels() - expected).max() <= 1
        assert (pixels() != before).any()
        before = pixels()
    assert np.unique(before).size > 2


def test_sliders_are_named_grouped_and_moved_by_keys(quadrants, quadrant_factors, shown):
    from selenium.webdriver.common.keys import Keys

    model = SavedModel.open(quadrants, needs=("encode", "decode"))
    page, pixels, code = shown(explore(model, quadrant_factors, samples=625))
    assert page.all("h2") == ["left", "right"]
    assert page.all(".code label")[2] == "z2 top right 100 %"
    before, image = code(), pixels()
    slider = page.driver.find_element("css selector", "input[data-code='2']")
    low = before[2] < 0.5
    for _ in range(60):
        slider.send_keys(Keys.ARROW_RIGHT if low else Keys.ARROW_LEFT)
    assert abs(code()[2] - before[2]) > 0.2
    assert (code()[[0, 1, 3]] == before[[0, 1, 3]]).all()
    assert (pixels()[:4, 4:] != image[:4, 4:]).all()
    assert (pixels()[4:] == image[4:]).all()
    assert page.all(".code output")[2] == f"+{code()[2]:.2f}"
    page.click("#reset")
    assert (code() == before).all()
    assert (pixels() == image).all()


def test_another_image_to_start_from(quadrants, quadrant_factors, shown):
    model = SavedModel.open(quadrants, needs=("encode", "decode"))
    page, pixels, code = shown(explore(model, quadrant_factors, samples=50))
    rows = quadrant_factors.sample_rows(50, 0)
    for place in (3, 7):
        page.run(f"document.querySelectorAll('input[name=start]')[{place}].click()")
        image = quadrant_factors.read(rows[[place]])
        np.testing.assert_allclose(code(), model.encode(image)[0])
        assert (pixels() == image[0]).all()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_is_legible_everywhere(quadrants, quadrant_factors, shown, scheme, width):
    model = SavedModel.open(quadrants, needs=("encode", "decode"))
    text = explore(model, quadrant_factors, samples=50)
    page, _, _ = shown(text, width=width, prefers_color_scheme=scheme)
    assert page.overflow <= 0
    assert page.console == []
    ink, paper = (
        page.run(f"return getComputedStyle(document.body).{what}")
        for what in ("color", "backgroundColor")
    )
    brightness = [sum(map(int, color[4:-1].split(", "))) for color in (ink, paper)]
    assert (brightness[0] < brightness[1]) == (scheme == "light")
    assert abs(brightness[0] - brightness[1]) > 450


def test_without_a_decoder_the_nearest_images(encoder_only, quadrant_factors, shown):
    model = SavedModel.open(encoder_only)
    page, pixels, code = shown(explore(model, quadrant_factors, samples=200))
    images = quadrant_factors.read(quadrant_factors.sample_rows(200, 0))
    codes = model.encode(images)
    assert page.all("h2") == []
    for latent, share in ((0, 0.9), (3, 0.2)):
        page.run(MOVE, latent, share)
        away = (((codes - code()) / codes.std(axis=0)) ** 2).sum(axis=1)
        order = np.array(page.run(ROWS))
        np.testing.assert_allclose(away[order], np.sort(away)[:12], rtol=1e-4)
        assert (pixels(4) == images[order[4]]).all()
    decodes = SavedModel.open(encoder_only)
    assert "decoded image" not in explore(decodes, quadrant_factors, samples=50)


def test_neighbours_are_as_large_as_fit(tmp_path, monkeypatch):
    def encode(images):
        import tensorflow as tf

        return tf.cast(images[:, ::32, 0, 0], tf.float32)

    shape = (64, 64, 3)
    folder = save_model(tmp_path / "m", {"encode": (encode, {"image": ((None, *shape), "uint8")},
                                                    "codes")})  # fmt: skip
    pixels = np.random.default_rng(0).integers(0, 256, (300, *shape)).astype(np.uint8)
    model, images = SavedModel.open(folder), Images("noise", ArrayPixels(pixels))
    for mebibytes, side in ((20, 64), (2, 32), (0.5, 16)):  # of 64 pixels 4.7, of 32 1.2, of 16 0.3
        monkeypatch.setattr("applications.exploring.LIMIT", mebibytes)
        text = explore(model, images)
        assert len(text.encode()) <= mebibytes * 2**20
        assert f'"shape": [{side}, {side}, 3]' in text


def test_codes_that_hardly_vary_stand_back(tmp_path, quadrant_factors):
    def encode(images):
        return quadrant_means(images) * np.array([1, 1, 1e-3, 1], np.float32)

    both = {"encode": (encode, {"image": IMAGE}, "codes"), "decode": DECODE}
    folder = save_model(tmp_path / "m", both)
    text = explore(SavedModel.open(folder), quadrant_factors, samples=50)
    back = text[text.index("<details>") : text.index("</details>")]
    assert "Codes that hardly vary (1)" in back
    assert 'data-code="2"' in back
    assert text.count("data-code=") == 4


def test_many_codes_show_those_that_vary_most(tmp_path, quadrant_factors):
    def encode(images):
        import tensorflow as tf

        scales = np.linspace(1, 2, 40, dtype=np.float32)
        return tf.repeat(quadrant_means(images), 10, axis=1) * scales

    folder = save_model(tmp_path / "m", {"encode": (encode, {"image": IMAGE}, "codes")})
    text = explore(SavedModel.open(folder), quadrant_factors, samples=200)
    assert "Codes that vary less (8)" in text
    assert text.count("data-code=") == 40


def test_images_may_be_an_array(quadrants, quadrant_factors):
    model = SavedModel.open(quadrants, needs=("encode", "decode"))
    images = quadrant_factors.read(slice(None))
    assert explore(model, images) == explore(model, Images("images", images))


def test_names_cannot_break_the_page(quadrants, shown):
    model = SavedModel.open(quadrants, needs=("encode", "decode"))
    model.subspaces = {"<script>alert(1)</script>": slice(0, 2), "b": slice(2, 4)}
    bare = Images("</script><b>", ArrayPixels(paint(np.random.default_rng(0).random((9, 4)))))
    page, _, _ = shown(explore(model, bare))
    assert page.all("h2") == ["<script>alert(1)</script>", "b"]
    assert page.console == []


def test_a_decoder_that_a_page_cannot_compute_is_refused(tmp_path, quadrant_factors):
    def decode(codes):
        import tensorflow as tf

        return tf.cast(tf.cumsum(paint_like(codes), axis=1), "uint8")

    def paint_like(codes):
        import tensorflow as tf

        return tf.tile(tf.reshape(codes, (-1, 4, 1, 1)), (1, 2, 8, 1))

    both = {"encode": ENCODE, "decode": (decode, {"codes": ((None, 4), "float32")}, "image")}
    model = SavedModel.open(save_model(tmp_path / "m", both), needs=("encode", "decode"))
    with pytest.raises(ValueError, match=r"whose decoder uses Cumsum.*--neighbours"):
        explore(model, quadrant_factors, samples=50)
    assert "nearest" in explore(model, quadrant_factors, samples=50, neighbours=True)


def of_several(codes):
    import tensorflow as tf

    x = tf.reshape(tf.repeat(codes, 16, axis=1), (-1, 4, 8, 1))  # two halves of one image
    return tf.reshape(tf.nn.conv2d(x, np.ones((3, 3, 1, 1), np.float32), 1, "SAME"), (-1, 8, 8, 1))


def channels_first(codes):
    import tensorflow as tf

    x = tf.reshape(tf.repeat(codes, 32, axis=1), (-1, 2, 8, 8))
    x = tf.nn.bias_add(x, np.ones(2, np.float32), data_format="NCHW")
    return tf.transpose(x[:, :1], (0, 2, 3, 1))


@pytest.mark.parametrize(("decode", "kind"), [(of_several, "Conv2D"), (channels_first, "BiasAdd")])
def test_what_a_page_would_compute_otherwise_is_refused(tmp_path, decode, kind):
    decoder = (decode, {"codes": ((None, 4), "float32")}, "image")
    folder = save_model(tmp_path / "m", {"encode": ENCODE, "decode": decoder})
    with pytest.raises(ValueError, match=f"whose decoder uses {kind}"):
        decoder_program(SavedModel.open(folder, needs=("encode", "decode")))


def test_what_does_not_depend_on_the_code_is_computed_before(convolutions):
    program = decoder_program(SavedModel.open(convolutions, needs=("decode",)))
    assert program.scale == 1
    assert program.steps[-1]["op"] == "Cast"
    assert program.steps[-1]["shape"] == [1, 8, 8, 1]
    for n, step in enumerate(program.steps):
        assert all(0 <= i <= len(program.constants) + n for i in step["in"])
    assert program.numbers.dtype == np.float32


def test_few_images_and_large_pages_are_refused(
    encoder_only, quadrants, quadrant_factors, monkeypatch
):
    few = Images("few", ArrayPixels(quadrant_factors.read(slice(0, 5))))
    with pytest.raises(ValueError, match="Expected at least 12 images, of which neighbours"):
        explore(SavedModel.open(encoder_only), few)
    with pytest.raises(ValueError, match="Expected at least 2 images, of which codes"):
        explore(SavedModel.open(quadrants), quadrant_factors, samples=1)
    monkeypatch.setattr("applications.exploring.LIMIT", 0)
    model = SavedModel.open(encoder_only)
    monkeypatch.setattr(model, "encode", None)  # refused before anything is encoded
    with pytest.raises(ValueError, match=r"which is 0 images .* Received: 50 samples; fewer take"):
        explore(model, quadrant_factors, samples=50)
    with pytest.raises(ValueError, match=r"so large is the decoder.*--neighbours"):
        explore(SavedModel.open(quadrants), quadrant_factors, samples=50)


def test_the_command_writes_a_page(command, quadrants, picture_folder, tmp_path):
    data = ["--data", f"folder:{picture_folder}"]
    out = tmp_path / "page"
    said = command("apply", "explore", quadrants, *data, "--out", out)
    assert said.code == 0, said.err
    assert said.out.startswith(f"{out / 'explore.html'}: 0.")
    result = json.loads((out / "result.json").read_text())
    assert result["samples"] == 60  # all there are, of the 2,000 that are looked at where there are
    assert result["data"] == {"name": f"folder:{picture_folder}"}
    assert result["saved_model"] == str(quadrants)
    again = command("apply", "explore", quadrants, *data, "--out", out)
    assert again.code == 2
    assert "--overwrite" in again.err
