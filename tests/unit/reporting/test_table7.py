from daenr.reporting import table7


def attributes(counts: dict[str, int], *notes: tuple[str, bool]) -> dict[str, object]:
    return {"counts": counts, "notes": [{"text": text, "warning": warning} for text, warning in notes]}


def test_a_row_a_region():
    counts = {
        "train": 1440,
        "validation": 360,
        "train_distinct": 9,
        "test": 50,
        "repeats": 10,
        "neurons": 103,
    }
    few = {"train": 8, "validation": 2, "train_distinct": 9, "test": 5, "repeats": 3, "neurons": 4}
    frame = table7.tidy(
        {
            "region1": attributes(counts | {"fewest_repeats": 10}),
            "left": attributes(few | {"fewest_repeats": 2}, ("A leak.", True), ("Two are silent.", False)),
        }
    )
    assert frame.to_csv(index=False, lineterminator="\n") == (
        "region,train_images,test_images,repeats,fewest_repeats,neurons,note\n"
        "region1,1800,50,10,10,103,\nleft,10,5,3,2,4,Warning: A leak. Two are silent.\n"
    )
    made = table7.render(frame)
    lines = [line for line in made.md.splitlines() if line.startswith("|")]
    header, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert header == ["Region", "Number of train images", "Number of test images", "Number of neurons"]
    assert body == [
        ["Region 1", "1800 (1)", "50 (10)", "103"],
        ["left", "10 (1)", "5 (2 to 3)", "4<sup>a</sup>"],
    ]
    assert "<td>1800 (1)</td>" in made.html
    assert r"Region 1 & 1800 (1) & 50 (10) & 103 \\" in made.tex
    assert "Warning: A leak. Two are silent." in made.md
