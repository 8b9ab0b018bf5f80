"""TensorFlow Serving is not installed here: its row format is emulated, as strictly as it is."""

import doctest
import json
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from applications import SavedModel, serving
from applications.serving import asked, rest_answer, rest_request, to_litert, to_onnx
from tests.applications.conftest import ENCODE, save_model

ALL = ("encode", "encode_conditioned", "decode", "classify")


@pytest.fixture(scope="module")
def model(quadrants):
    return SavedModel.open(quadrants, ALL)


@pytest.fixture(scope="module")
def images(quadrant_factors):
    return quadrant_factors.sample(5, seed=0)[0]


def test_examples():
    assert doctest.testmod(serving, extraglobs={"np": np}).failed == 0


# TensorFlow Serving


def served(folder, body):
    """What TensorFlow Serving answers to the body of a request, by the rules of its REST interface.

    https://www.tensorflow.org/tfx/serving/api_rest: of NAME/ the highest numbered version is
    served; "instances" is a list of rows that are alike in shape, values where the signature has
    one input, else objects that name every input; numbers have the type of the tensor; of one
    output "predictions" are values, of several objects.
    """
    request = json.loads(body)
    version = max(
        (path for path in folder.iterdir() if path.name.isdecimal()), key=lambda p: int(p.name)
    )
    loaded = tf.saved_model.load(str(version))
    function = loaded.signatures[request.get("signature_name", "serving_default")]
    assert set(request) <= {"signature_name", "instances"}
    rows, specs = request["instances"], function.structured_input_signature[1]
    assert isinstance(rows, list)
    assert rows
    if isinstance(rows[0], dict):
        assert all(set(row) == set(specs) for row in rows)
        columns = {name: [row[name] for row in rows] for name in specs}
    else:
        [name] = specs
        columns = {name: rows}
    tensors = {}
    for name, column in columns.items():
        array = np.array(column)  # refuses rows of several shapes
        dtype = specs[name].dtype
        if dtype.is_integer:
            assert array.dtype.kind in "iu"
            assert dtype.min <= array.min() <= array.max() <= dtype.max
        tensors[name] = tf.constant(array.astype(dtype.as_numpy_dtype))
        assert specs[name].shape.is_compatible_with(tensors[name].shape)
    outputs = {name: value.numpy().tolist() for name, value in function(**tensors).items()}
    if len(outputs) == 1:
        [predictions] = outputs.values()
    else:
        predictions = [
            dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)
        ]
    return json.dumps({"predictions": predictions})


@pytest.mark.parametrize("count", [1, 5])
def test_rest_gives_the_same_codes(model, images, quadrants, count):
    body = json.dumps(rest_request("encode", image=images[:count]))
    codes = rest_answer(json.loads(served(quadrants.parent, body)))
    assert (codes.dtype, codes.shape) == (np.float32, (count, 4))
    np.testing.assert_allclose(codes, model.encode(images[:count]), atol=1e-4)


def test_rest_gives_all_that_the_model_has(model, images, quadrants):
    def answer(signature, **inputs):
        body = json.dumps(rest_request(signature, **inputs))
        return rest_answer(json.loads(served(quadrants.parent, body)))

    codes = model.encode(images)
    decoded = answer("decode", codes=codes)
    assert decoded.dtype.kind == "i"
    np.testing.assert_array_equal(decoded, model.decode(codes))
    probabilities = answer("classify", image=images)
    np.testing.assert_allclose(probabilities, model.classify(images), atol=1e-4)
    condition = np.array([1, 0, -1, 1, 0])
    found = answer("encode_conditioned", image=images, condition=condition)
    np.testing.assert_allclose(found, model.encode_conditioned(images, condition), atol=1e-4)


def test_the_repositorys_export_is_laid_out_to_be_served(images):
    from tests.test_saved_models import FOLDER

    folder = FOLDER / "beta_vae-dsprites"
    pictures = images.repeat(4, axis=1).repeat(4, axis=2)
    request = rest_request("serving_default", image=pictures)
    codes = rest_answer(json.loads(served(folder, json.dumps(request))))
    np.testing.assert_allclose(codes, SavedModel.open(folder).encode(pictures), atol=1e-4)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "Received: none"),
        ({"image": np.zeros((0, 2))}, r"Received: image \(0, 2\)"),
        ({"image": np.zeros((2, 2)), "condition": 3}, r"image \(2, 2\), condition \(\)"),
        ({"image": np.zeros((2, 2)), "condition": [1]}, r"image \(2, 2\), condition \(1,\)"),
    ],
)
def test_requests_without_rows_are_refused(inputs, said):
    with pytest.raises(ValueError, match=f"Expected inputs of as many rows each.*{said}"):
        rest_request("encode", **inputs)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"error": "Servable not found"}, "The server answers: Servable not found"),
        ({"outputs": []}, "Expected an answer with 'predictions'.*Received: 'outputs'"),
        ({}, "Received: nothing"),
        ({"predictions": [{"a": 1, "b": 2}]}, "Received: 'predictions': tables"),
    ],
)
def test_answers_that_are_none_are_refused(response, said):
    with pytest.raises(ValueError, match=said):
        rest_answer(response)


# Other runtimes


@pytest.mark.parametrize("own", [True, False], ids=["tensorflow", "ai-edge-litert"])
def test_litert_gives_the_same(model, tmp_path, monkeypatch, own):
    if own:
        monkeypatch.setattr(serving.importlib.util, "find_spec", lambda name: None)
    else:
        pytest.importorskip("ai_edge_litert")
    converted = to_litert(model, tmp_path / "model.tflite")
    assert converted.path.is_file()
    assert set(converted.differences) == set(ALL)
    assert all(gap <= 1e-4 for gap in converted.differences.values())


def test_onnx_gives_the_same(model, images, tmp_path):
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    for name in ALL:
        converted = to_onnx(model, tmp_path / f"{name}.onnx", name)
        assert converted.differences[name] <= 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "encode.onnx"))
    [codes] = session.run(["codes"], {"image": images})
    np.testing.assert_allclose(codes, model.encode(images), atol=1e-4)


@pytest.fixture
def onnx_stand_in(monkeypatch):
    """tf2onnx and ONNX Runtime by name; the answers are the traced function's, and more `gap`."""
    traced, gap = {}, types.SimpleNamespace(size=0.0)

    def from_function(function, input_signature, opset):
        assert [spec.name for spec in input_signature]
        traced["function"], traced["names"] = function, [spec.name for spec in input_signature]
        return types.SimpleNamespace(SerializeToString=lambda: b"a graph"), None

    class Session:
        def __init__(self, model, providers):
            assert model == b"a graph"

        def run(self, outputs, inputs):
            given = traced["function"](*(tf.constant(inputs[name]) for name in traced["names"]))
            return [given[name].numpy().astype(float) + gap.size for name in outputs]

    for name, contents in (
        ("tf2onnx", {"convert": types.SimpleNamespace(from_function=from_function)}),
        ("onnxruntime", {"InferenceSession": Session}),
    ):
        module = types.ModuleType(name)
        module.__spec__ = types.SimpleNamespace(name=name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    return gap


def test_onnx_is_asked_by_the_names_of_inputs(model, tmp_path, onnx_stand_in):
    for name in ALL:
        converted = to_onnx(model, tmp_path / f"{name}.onnx", name)
        assert converted.differences == {name: 0}
        assert converted.path.read_bytes() == b"a graph"


def test_answers_that_differ_are_refused(model, tmp_path, onnx_stand_in):
    onnx_stand_in.size = 0.01
    with pytest.raises(ValueError, match=r"encode by ONNX Runtime.*within 0\.0001.*of 0\.01"):
        to_onnx(model, tmp_path / "model.onnx")
    onnx_stand_in.size = np.nan
    with pytest.raises(ValueError, match="a difference of nan"):
        to_onnx(model, tmp_path / "model.onnx")
    onnx_stand_in.size = np.zeros((3, 1, 1))
    with pytest.raises(ValueError, match="encode by ONNX Runtime to give shape"):
        to_onnx(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_images_may_differ_by_a_level(model, tmp_path, onnx_stand_in):
    onnx_stand_in.size = 1
    assert to_onnx(model, tmp_path / "model.onnx", "decode").differences == {"decode": 1}
    onnx_stand_in.size = 2
    with pytest.raises(ValueError, match=r"decode by ONNX Runtime.*within 1\. Received"):
        to_onnx(model, tmp_path / "other.onnx", "decode")


def test_what_they_are_asked_about_differs_from_row_to_row(model):
    [pictures] = asked(model, "encode", 8, seed=0).values()
    assert (pictures.dtype, pictures.shape) == (np.uint8, (8, 8, 8, 1))
    assert np.ptp(pictures[0]) > 200
    assert np.ptp(pictures[-1]) == 0
    assert set(asked(model, "encode_conditioned", 2, seed=0)) == {"image", "condition"}


def test_other_names_and_signatures_are_refused(model, encoder_only, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.tflite"):
        to_litert(model, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match=r"ends in \.onnx"):
        to_onnx(model, tmp_path / "model.tflite")
    with pytest.raises(ValueError, match=r"Unknown signature 'encod'. Did you mean 'encode'"):
        to_onnx(model, tmp_path / "model.onnx", "encod")
    with pytest.raises(ValueError, match="Expected a SavedModel with the signature 'decode'"):
        to_onnx(SavedModel.open(encoder_only), tmp_path / "model.onnx", "decode")


def test_a_model_that_cannot_be_converted_is_refused(tmp_path):
    def odd(images):
        return tf.numpy_function(lambda x: x[..., 0, 0].astype("float32"), [images], "float32")

    def encode(images):
        return tf.ensure_shape(odd(images), (None, 8))

    folder = save_model(tmp_path / "odd", {"encode": (encode, *ENCODE[1:])})
    with pytest.raises(ValueError, match="odd cannot be converted"):
        to_litert(SavedModel.open(folder), tmp_path / "odd.tflite")


# The command


def test_the_command_converts_and_compares(command, quadrants, tmp_path):
    answer = command("apply", "convert", quadrants, "--to", "litert")
    assert answer.code == 0, answer.err
    header, *rows, path = answer.out.splitlines()
    assert header == "signature           largest difference"
    assert [row.split()[0] for row in rows] == list(ALL)
    assert path == "applied/model.tflite"
    assert (tmp_path / path).is_file()
    again = command("apply", "convert", quadrants, "--to", "litert")
    assert again.code == 2
    assert "applied/model.tflite is there already. Use --overwrite" in again.err
    both = command("apply", "convert", quadrants, "--to", "litert", "--signature", "encode",
                   "--out", "other.tflite")  # fmt: skip
    assert both.code == 2
    assert "Expected no --signature for litert" in both.err
    for out, said in (("photo.png", "ends in .tflite"), ("there.tflite", "is a folder, and is")):
        (tmp_path / "there.tflite").mkdir(exist_ok=True)
        answer = command("apply", "convert", "nothing", "--to", "litert", "--overwrite",
                         "--out", out)  # fmt: skip
        assert answer.code == 2
        assert said in answer.err


def test_a_file_is_replaced_on_request_alone(model, tmp_path, onnx_stand_in, monkeypatch):
    path = to_onnx(model, tmp_path / "model.onnx").path
    with pytest.raises(FileExistsError, match=r"model\.onnx is there already\. Use --overwrite"):
        to_onnx(model, path)
    to_onnx(model, path, overwrite=True)
    path.unlink()
    monkeypatch.setattr(serving, "_differences", lambda *_: path.write_text("mine"))
    with pytest.raises(FileExistsError, match=r"model\.onnx is there already"):
        to_onnx(model, path)  # where it came to be meanwhile
    with pytest.raises(NotADirectoryError, match=r"model\.onnx"):
        to_onnx(model, path / "model.onnx")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        ("model.onnx", "mine")
    ]


def test_the_command_writes_onnx(command, quadrants, tmp_path, onnx_stand_in):
    given = ("apply", "convert", quadrants, "--to", "onnx", "--signature", "decode")
    answer = command(*given, "--out", "decoder.onnx")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[1:] == ["decode     0", "decoder.onnx"]


def test_the_command_says_what_is_not_installed(command, quadrants, monkeypatch):
    monkeypatch.setattr(serving, "onnx_installed", lambda: False)
    answer = command("apply", "convert", quadrants, "--to", "onnx")
    assert answer.code == 2
    assert "pip install 'repzoo[serving]'" in answer.err
