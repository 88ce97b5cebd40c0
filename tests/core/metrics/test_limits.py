@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.reading)
def test_the_guide_a_limit_names_is_there_with_its_heading(limit: Limit) -> None:
    for guide, heading in re.findall(r"(docs/operations/[a-z-]+\.md)(?:「([^」]+)」)?", limit.next_step):
        text = (PROJECT / guide).read_text(encoding="utf-8")
        assert not heading or re.search(rf"^#+ .*{re.escape(heading)}$", text, re.M), (guide, heading)
