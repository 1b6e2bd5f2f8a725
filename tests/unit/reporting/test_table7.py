from daenr.reporting import table7


def test_a_row_a_region():
    counts = {
        "region1": {"train": 1440, "validation": 360, "train_distinct": 9, "test": 50, "repeats": 10, "neurons": 103},
        "left": {"train": 8, "validation": 2, "train_distinct": 9, "test": 5, "repeats": 3, "neurons": 4},
    }  # fmt: skip
    frame = table7.tidy(counts)
    assert frame.to_csv(index=False, lineterminator="\n") == (
        "region,train_images,test_images,repeats,neurons\nregion1,1800,50,10,103\nleft,10,5,3,4\n"
    )
    made = table7.render(frame)
    lines = [line for line in made.md.splitlines() if line.startswith("|")]
    header, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert header == ["Region", "Number of train images", "Number of test images", "Number of neurons"]
    assert body == [["Region 1", "1800 (1)", "50 (10)", "103"], ["left", "10 (1)", "5 (3)", "4"]]
    assert "<td>1800 (1)</td>" in made.html
    assert r"Region 1 & 1800 (1) & 50 (10) & 103 \\" in made.tex
