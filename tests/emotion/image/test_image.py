from __future__ import annotations

import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, features

import emotion.image.decoding
from emotion.image.decoding import MAX_SIDE_PX, ImageError, decode_image
from emotion.image.exif import orientation

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def quarters() -> Image.Image:
    """Red, green / blue, white: every way of turning it looks different."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:32, :48], pixels[:32, 48:] = RED, GREEN
    pixels[32:, :48], pixels[32:, 48:] = BLUE, WHITE
    return Image.fromarray(pixels)


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """Return the colours of the four quarters, each channel rounded to 0 or 255."""
    height, width = pixels.shape[:2]
    return [
        tuple(int(v > 127) * 255 for v in pixels[y, x])
        for y in (height // 4, 3 * height // 4)
        for x in (width // 4, 3 * width // 4)
    ]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_every_format_gives_the_same_image(kind: str) -> None:
    pixels = decode_image(encoded(quarters(), kind))
    assert pixels.shape == (64, 96, 3)
    assert pixels.dtype == np.uint8
    assert corners(pixels) == [RED, GREEN, BLUE, WHITE]


def test_heic_is_read_where_pillow_heif_is_installed() -> None:
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(quarters()).save(buffer, quality=90)
    assert corners(decode_image(buffer.getvalue())) == [RED, GREEN, BLUE, WHITE]


def test_heic_without_pillow_heif_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(ImageError, match="does not know HEIC"):
        decode_image(b"\x00\x00\x00\x18ftypheic" + bytes(100))


def test_only_the_first_frame_of_a_gif_is_read() -> None:
    first, second = (Image.new("RGB", (20, 20), colour) for colour in (RED, BLUE))
    data = encoded(first, "GIF", save_all=True, append_images=[second])
    assert set(corners(decode_image(data))) == {RED}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(kind: str, orientation: int) -> None:
    # How each orientation stores the upright image, from the EXIF specification.
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = quarters() if stored is None else quarters().transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode_image(encoded(image, kind, exif=exif.tobytes()))
    assert pixels.shape == (64, 96, 3)
    assert corners(pixels) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow mentions what it cannot read
def test_broken_exif_does_not_cost_the_image() -> None:
    data = encoded(quarters(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff garbage")
    assert corners(decode_image(data)) == [RED, GREEN, BLUE, WHITE]


def test_orientation_is_read_in_either_byte_order() -> None:
    for order, mark in (("<", b"II*\0"), (">", b"MM\0*")):
        for kind, code in ((3, "H"), (4, "I")):
            value = struct.pack(order + code, 6).ljust(4, b"\0")
            entries = struct.pack(order + "IHHHI", 8, 1, 0x0112, kind, 1) + value + bytes(4)
            assert orientation(mark + entries) == 6
            assert orientation(b"Exif\0\0" + mark + entries) == 6
            assert [orientation(mark + entries[:end]) for end in range(14)] == [1] * 14
    assert orientation(b"") == orientation(b"II*\0") == 1


def test_a_jpeg_in_arithmetic_coding_is_refused_by_name() -> None:
    data = bytearray(encoded(quarters(), "JPEG"))
    data[data.find(b"\xff\xc0") + 1] = 0xC9
    with pytest.raises(ImageError, match="arithmetic coding"):
        decode_image(bytes(data))


def test_alpha_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    assert (decode_image(encoded(clear, "PNG")) == 255).all()
    half = Image.new("LA", (10, 10), (0, 128))
    assert abs(int(decode_image(encoded(half, "PNG"))[5, 5, 0]) - 127) <= 1


def test_a_transparent_palette_is_laid_on_white() -> None:
    image = Image.new("P", (10, 10), 3)
    image.putpalette([0, 0, 0] * 4)
    assert (decode_image(encoded(image, "PNG", transparency=3)) == 255).all()


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_and_palette_images_become_rgb(mode: str) -> None:
    pixels = decode_image(encoded(quarters().convert(mode), "PNG"))
    assert pixels.shape == (64, 96, 3)
    assert pixels[60, 90].tolist() == [255, 255, 255]


def test_sixteen_bits_keep_their_brightness() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256).repeat(8, axis=0)
    pixels = decode_image(encoded(Image.fromarray(ramp), "PNG"))
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_cmyk_jpeg_keeps_its_colours() -> None:
    assert corners(decode_image(encoded(quarters().convert("CMYK"), "JPEG"))) == [
        RED,
        GREEN,
        BLUE,
        WHITE,
    ]


@pytest.mark.parametrize(("size", "shape"), [
    ((2000, 1000), (MAX_SIDE_PX // 2, MAX_SIDE_PX, 3)),
    ((3000, 4000), (MAX_SIDE_PX, MAX_SIDE_PX * 3 // 4, 3)),
    ((9000, 2), (1, MAX_SIDE_PX, 3)),
    ((8000, 400), (400, 8000, 3)),
    ((400, 8000), (8000, 400, 3)),
    ((6000, 1500), (640, 2560, 3)),
    ((30_000, 700), (239, 10_240, 3)),
    ((1, 1), (1, 1, 3)),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_images_are_made_smaller_and_small_ones_left(
    size: tuple[int, int], shape: tuple[int, int, int], kind: str
) -> None:
    assert decode_image(encoded(Image.new("RGB", size), kind)).shape == shape


def test_the_result_is_writable() -> None:
    assert decode_image(encoded(quarters(), "PNG")).flags.writeable


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"just a text, renamed\n" * 50, b"%PDF-1.7" + bytes(99)]
)
def test_file_that_is_not_an_image_is_refused_with_supported_formats(data: bytes) -> None:
    with pytest.raises(ImageError, match="not a picture we can read") as caught:
        decode_image(data)
    for name in ("JPEG", "PNG", "WebP", "BMP", "GIF", "HEIC", "AVIF"):
        assert name in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "AVIF"])
@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.35, 0.6, 0.9, 0.97])
def test_a_truncated_image_is_refused(kind: str, fraction: float, astronaut: np.ndarray) -> None:
    data = encoded(Image.fromarray(astronaut), kind)
    with pytest.raises(ImageError, match="not a picture we can read"):
        decode_image(data[: int(len(data) * fraction)])


@pytest.mark.parametrize("options", [
    {"progressive": True},
    {"restart_marker_rows": 1},
    {"restart_marker_blocks": 7},
    {"subsampling": 0, "optimize": True},
])  # fmt: skip
def test_a_truncated_jpeg_is_refused_wherever_it_ends(
    options: dict[str, object], astronaut: np.ndarray
) -> None:
    data = encoded(Image.fromarray(astronaut[:128, :128]), "JPEG", **options)
    ends = {data.rfind(b"\xff\xda"), data.rfind(b"\xff\xc4"), *range(700, len(data) - 60, 211)}
    ends |= {at for at in range(700, len(data) - 60) if data[at] == 0xFF and data[at + 1] != 0}
    for end in ends:
        with pytest.raises(ImageError, match="not a picture we can read"):
            decode_image(data[:end])


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_jpeg_without_its_last_bytes_is_read(
    missing: int, options: dict[str, object], astronaut: np.ndarray
) -> None:
    for image in (
        quarters(),
        Image.fromarray(astronaut),
        Image.fromarray(astronaut).convert("L"),
    ):
        data = encoded(image, "JPEG", **options)
        assert (decode_image(data[:-missing]) == decode_image(data)).all()


def test_a_png_without_its_end_chunk_is_read(astronaut: np.ndarray) -> None:
    data = encoded(Image.fromarray(astronaut), "PNG")
    assert (decode_image(data[:-12]) == astronaut).all()


def test_a_webp_whose_metadata_are_cut_short_is_read() -> None:
    data = encoded(quarters(), "WEBP", xmp=b"<x/>" * 100)
    assert corners(decode_image(data[:-30])) == [RED, GREEN, BLUE, WHITE]


def png_chunk(kind: bytes, body: bytes, *, checksum: int | None = None) -> bytes:
    crc = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


@pytest.mark.parametrize("chunk", [
    png_chunk(b"tEXt", b"Comment\0" + b"x" * 3_000_000),
    png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5_000_000))),
    png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(5_000_000))),
    png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(5_000_000))),
    png_chunk(b"iCCP", b"profile\0\0no deflate"),
    png_chunk(b"tEXt", b"Comment\0hello", checksum=1),
    png_chunk(b"eXIf", b"II*\0", checksum=2),
    png_chunk(b"gAMA", b"\0\0", checksum=3),
    png_chunk(b"tRNS", b"\0\0", checksum=4),
    png_chunk(b"acTL", bytes(3)),
])  # fmt: skip
def test_trailing_data_after_a_png_is_ignored(chunk: bytes) -> None:
    data = encoded(quarters(), "PNG")
    assert corners(decode_image(data[:33] + chunk + data[33:])) == [RED, GREEN, BLUE, WHITE]
    end = len(data) - 12
    assert corners(decode_image(data[:end] + chunk + data[end:])) == [RED, GREEN, BLUE, WHITE]


def test_a_png_whose_image_data_are_damaged_is_refused() -> None:
    data = bytearray(encoded(quarters(), "PNG"))
    data[data.find(b"IDAT") + 12] ^= 0xFF
    with pytest.raises(ImageError, match="damaged"):
        decode_image(bytes(data))


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_deep_pngs_show_what_eight_bits_would(bits: int, channels: int) -> None:
    levels = np.array([[30, 77], [150, 255]]).repeat(48, 0).repeat(64, 1)
    samples = (levels * ((1 << bits) - 1) // 255).astype(np.uint16)
    if channels > 1:
        samples = np.dstack([samples, samples // 2, samples // 4])
    if channels == 4:
        samples = np.dstack([samples, np.full(levels.shape, 65535, np.uint16)])
    done, data = cv2.imencode(".png", samples)
    assert done
    pixels = decode_image(data.tobytes()).astype(int)
    if channels > 1:
        assert np.abs(pixels[..., 0] - levels // 4).max() <= 1  # OpenCV writes blue first
    assert np.abs(pixels[..., 2] - levels).max() <= 1


def test_a_truncated_deep_png_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 65536, (64, 64, 3), dtype=np.uint16)
    data = cv2.imencode(".png", noise)[1].tobytes()
    assert decode_image(data).shape == (64, 64, 3)
    with pytest.raises(ImageError, match="damaged"):
        decode_image(data[: len(data) // 2])


def bmp_of_32_bits(alpha: int) -> bytes:
    """Return the four quarters as a BMP with masks for four channels (BITMAPV4HEADER)."""
    rows = np.asarray(quarters())[::-1, :, ::-1]
    body = np.dstack([rows, np.full(rows.shape[:2], alpha, np.uint8)]).tobytes()
    header = struct.pack("<IiiHHIIiiII", 108, 96, 64, 1, 32, 3, len(body), 0, 0, 0, 0)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    return struct.pack("<2sIII", b"BM", 122 + len(body), 0, 122) + header + masks + body


def test_a_bmp_with_an_empty_alpha_channel_is_opaque() -> None:
    for alpha in (0, 255):
        assert corners(decode_image(bmp_of_32_bits(alpha))) == [RED, GREEN, BLUE, WHITE]
    assert decode_image(bmp_of_32_bits(128))[50, 10].tolist() == pytest.approx(
        [127, 127, 255], abs=1
    )


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"hevx", b"heis", b"hevm"])
def test_heic_is_recognized_by_any_of_its_brands(brand: bytes) -> None:
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    heif.from_pillow(quarters()).save(buffer, quality=90)
    data = buffer.getvalue()
    # The box keeps its length, so that the offsets behind it stay right.
    for major in (brand, b"mif1", b"msf1"):
        for compatible in (b"mif1heicmiaf", b"msf1" + brand + b"iso8", brand * 3):
            named = data[:8] + major + bytes(4) + compatible + data[28:]
            assert corners(decode_image(named)) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.skipif(not features.check("avif"), reason="Pillow was built without AVIF")
@pytest.mark.parametrize("brand", [b"avif", b"avis", b"mif1", b"msf1"])
def test_avif_is_read(brand: bytes) -> None:
    data = bytearray(encoded(quarters(), "AVIF"))
    data[8:12] = brand
    assert corners(decode_image(bytes(data))) == [RED, GREEN, BLUE, WHITE]


def test_avif_without_support_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(ImageError, match="does not know AVIF"):
        decode_image(b"\x00\x00\x00\x18ftypavif" + bytes(100))


def test_a_signature_followed_by_noise_is_refused() -> None:
    noise = np.random.default_rng(0).bytes(2000)
    for signature in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM",
                      b"RIFF\x00\x00\x00\x00WEBP", b"\x00\x00\x00\x18ftypheic"):  # fmt: skip
        with pytest.raises(ImageError):
            decode_image(signature + noise)


def test_too_many_bytes_are_refused_before_reading() -> None:
    with pytest.raises(ImageError, match=r"too large: 20\.0 MB, and at most 15 MB"):
        decode_image(bytes(20_000_000))


def huge_png(side: int) -> bytes:
    """Return a PNG of a few kilobytes that claims to be ``side`` x ``side`` pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7_000, 10_000, 30_000])
def test_too_many_pixels_are_refused_before_decoding(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # At 10,000 Pillow would warn and at 30,000 raise: neither may get through.
    data = huge_png(side)
    assert len(data) < 5_000
    monkeypatch.setattr(
        emotion.image.decoding.PngImageFile, "load", lambda self: pytest.fail("decoded")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match=r"too large: .*at most 40 megapixels") as caught:
            decode_image(data)
    assert f"{side:,} × {side:,} pixels" in str(caught.value)


def test_a_gif_frame_larger_than_its_screen_is_refused() -> None:
    screen = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0)
    with pytest.raises(ImageError):
        decode_image(screen + frame + b"\x02\x02\x4c\x01\x00;")


def test_the_error_is_a_value_error() -> None:
    assert issubclass(ImageError, ValueError)
