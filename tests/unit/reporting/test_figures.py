from matplotlib.figure import Figure

from daenr.reporting.figures import SINGLE, save, styled


@styled
def figure():
    made = Figure(figsize=(SINGLE, 1))
    made.subplots().set_title("three")
    return made


def test_save_writes_pixels_and_vectors_reproducibly(tmp_path):
    for name in ("a", "b"):
        save(figure(), tmp_path / f"{name}.png", tmp_path / f"{name}.pdf")
    png, pdf = (tmp_path / "a.png").read_bytes(), (tmp_path / "a.pdf").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert pdf.startswith(b"%PDF")
    assert b"Type3" not in pdf
    assert png == (tmp_path / "b.png").read_bytes()
    assert pdf == (tmp_path / "b.pdf").read_bytes()
    width = int.from_bytes(png[16:20], "big")
    assert width == round(3.3 * 300)


def test_the_style_is_that_of_the_file_and_stays_with_our_figures():
    (ax,) = figure().axes
    assert ax.title.get_fontsize() == 8
    assert not ax.spines["top"].get_visible()
    assert Figure().subplots().spines["top"].get_visible()
