"""Facts about reading feeds: what is read, and that a bad line costs itself and nothing else."""

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.client.feeds import FeedError, FeedFormat, FeedSource, Record, read_records
from node.client.feeds.records import LINE_SIZE_BYTES_MAX

RSS = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">
<channel><title>The shop</title>
"""


def source_of(content: bytes, name: str = "feed.jsonl") -> FeedSource:
    return FeedSource(io.BytesIO(content), name=name, size_bytes=len(content))


def read(content: bytes | str, name: str = "feed.jsonl") -> list[Record]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_records(source_of(data, name)))


def refusals(records: list[Record]) -> dict[int, str]:
    return {record.line: record.refusal or "" for record in records if record.fields is None}


def values(records: list[Record], name: str = "id") -> list[object]:
    return [record.fields[name] for record in records if record.fields is not None]


class TestJsonLines:
    def test_every_line_is_a_record_with_its_number(self):
        records = read('{"id": "1"}\n\n{"id": "2"}')

        assert [(record.line, record.fields) for record in records] == [
            (1, {"id": "1"}),
            (3, {"id": "2"}),
        ]

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (b'{"id": "x"', "not JSON: Expecting ',' delimiter at character 11"),
            (b"[1, 2]", "holds a list; one JSON object per line is read"),
            (b"null", "holds null; one JSON object per line is read"),
            (b'{"price": NaN}', "not JSON: NaN is no number"),
            (b'{"price": -Infinity}', "not JSON: -Infinity is no number"),
            (b'{"price": ' + b"9" * 5_000 + b"}", "not JSON: Exceeds the limit"),
            (b'{"id": "\xe5"}', "not UTF-8: byte 9 is 0xe5"),
            (b"[" * 100_000, "its objects and lists lie too deep"),
        ],
    )
    def test_a_malformed_line_is_refused_alone(self, bad: bytes, reason: str):
        records = read(b'{"id": "1"}\n' + bad + b'\n{"id": "3"}\n')

        assert values(records) == ["1", "3"]
        assert refusals(records)[2].startswith(reason)

    def test_a_line_of_two_megabytes_is_refused_and_the_next_is_read(self):
        long = b'{"id": "' + b"x" * 2_000_000 + b'"}\n'

        records = read(long + b'{"id": "2"}\n' + long + b'{"id": "4"}')

        assert values(records) == ["2", "4"]
        assert refusals(records)[1] == "longer than 1,048,576 bytes, which no product may be"
        assert refusals(records).keys() == {1, 3}

    @given(st.lists(st.binary(max_size=60).filter(lambda line: b"\n" not in line), max_size=20))
    def test_no_bytes_stop_the_lines_around_them(self, junk: list[bytes]):
        content = b'{"id": "first"}\n' + b"\n".join(junk) + b'\n{"id": "last"}\n'

        records = read(content)

        assert records[0].fields == {"id": "first"}
        assert records[-1].fields == {"id": "last"}


class TestDelimited:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_the_delimiter_is_the_one_of_the_header(self, delimiter: str):
        records = read(f"id{delimiter}title\n1{delimiter}Tent\n", "feed.csv")

        assert [record.fields for record in records] == [{"id": "1", "title": "Tent"}]

    def test_quoted_fields_hold_delimiters_quotes_and_line_breaks(self):
        records = read('id,title\r\n1,"A ""big"", red\r\ntent"\r\n2,b\r\n', "feed.csv")

        assert values(records, "title") == ['A "big", red\r\ntent', "b"]
        assert [record.line for record in records] == [2, 4]

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (b"2,b,c", "has 3 fields where the header has 2"),
            (b"2", "has 1 fields where the header has 2"),
            (b'2,"b', "text follows a closing quote"),
            (b'"2"x,b', "text follows a closing quote"),
            (b"2,\xe5", "not UTF-8: byte 3 is 0xe5"),
        ],
    )
    def test_a_malformed_row_is_refused_alone(self, bad: bytes, reason: str):
        records = read(b"id,title\n1,a\n" + bad + b'\n3,"c"\n4,d\n', "feed.csv")

        assert values(records) == ["1", "3", "4"]
        assert refusals(records)[3].startswith(reason)

    def test_a_quote_that_never_closes_costs_one_line(self):
        """Otherwise it would swallow the rest of the file as one field."""
        rows = "".join(f"{number},t\n" for number in range(3, 3_000))

        records = read('id,title\n1,a\n2,"b\n' + rows, "feed.csv")

        assert refusals(records) == {3: "a quote opens here and never closes"}
        assert len(values(records)) == 2_998

    def test_names_that_repeat_or_are_missing_are_told_apart(self):
        records = read("id,image,image,\n1,a,b,c\n", "feed.csv")

        assert records[0].fields == {"id": "1", "image": "a", "image_2": "b", "column_4": "c"}

    def test_a_header_that_cannot_be_read_is_an_error_of_the_feed(self):
        with pytest.raises(FeedError, match="the header cannot be read"):
            read(b"id,\xe5\n1,2\n", "feed.csv")

    def test_a_row_of_two_megabytes_is_refused_alone(self):
        records = read("id,title\n1," + "x" * 2_000_000 + "\n2,b\n", "feed.csv")

        assert values(records) == ["2"]
        assert refusals(records).keys() == {2}


class TestMerchantXml:
    def test_items_become_records_of_texts_lists_and_mappings(self):
        records = read(
            RSS + "<item><g:id>1</g:id><title>Tee &amp; co</title><link>https://x</link>"
            "<g:additional_image_link>a</g:additional_image_link>"
            "<g:additional_image_link>b</g:additional_image_link>"
            "<g:shipping><g:country>SE</g:country></g:shipping>"
            "<description><![CDATA[<b>Bold</b>]]></description></item></channel></rss>",
            "feed.xml",
        )

        assert records == [
            Record(
                4,
                {
                    "g:id": "1",
                    "title": "Tee & co",
                    "link": "https://x",
                    "g:additional_image_link": ["a", "b"],
                    "g:shipping": {"g:country": "SE"},
                    "description": "<b>Bold</b>",
                },
            )
        ]

    def test_google_names_are_known_by_their_namespace_whatever_the_prefix(self):
        content = (
            '<rss xmlns:merchant="http://base.google.com/ns/1.0"><channel>'
            "<item><merchant:id>7</merchant:id></item></channel></rss>"
        )

        assert values(read(content, "feed.xml"), "g:id") == ["7"]

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (b"<item><g:id>2</g:id>\n<title>A & b</title></item>", "not XML: not well-formed"),
            (b"<item><g:id>2</title></item>", "not XML: mismatched tag in line 5"),
            (b"<item><g:id>\xe5</g:id></item>", "not XML: not well-formed"),
            (b"<item><title>&laugh;</title></item>", "not XML: undefined entity"),
            (b"<item><g:id>2</g:id>", "the item is empty or never closed"),
            (b"<item></item>", "the item is empty or never closed"),
            (b"<item><g:id>" + b"x" * 2_000_000 + b"</g:id></item>", "longer than"),
        ],
    )
    def test_a_damaged_item_is_refused_alone(self, bad: bytes, reason: str):
        content = (
            RSS.encode()
            + b"<item><g:id>1</g:id></item>\n"
            + bad
            + b"\n<item><g:id>3</g:id></item></channel></rss>"
        )

        records = read(content, "feed.xml")

        assert values(records, "g:id") == ["1", "3"]
        assert refusals(records)[5].startswith(reason)

    def test_the_line_of_an_xml_error_is_the_line_in_the_file(self):
        content = RSS + "<item>\n<g:id>1</g:id>\n<title>A & b</title>\n</item>"

        records = read(content, "feed.xml")

        reason = "not XML: not well-formed (invalid token) in line 6, near ' b</title>'"
        assert refusals(records) == {4: reason}

    def test_a_feed_that_ends_early_keeps_its_whole_items(self):
        records = read(RSS + "<item><g:id>1</g:id></item><item><g:id>2</g", "feed.xml")

        assert values(records, "g:id") == ["1"]
        assert len(refusals(records)) == 1

    def test_entities_are_forbidden(self):
        """They can make gigabytes of a kilobyte (the billion laughs)."""
        bomb = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel>'

        with pytest.raises(FeedError, match="cannot be read"):
            read(bomb + "<item><title>&b;</title></item>", "feed.xml")

    def test_xml_without_items_is_no_feed(self):
        with pytest.raises(FeedError, match="no product feed"):
            read("<html><body/></html>", "feed.xml")


class TestAnyBytes:
    @given(st.sampled_from(["f.csv", "f.tsv", "f.jsonl"]), st.binary(min_size=1, max_size=300))
    def test_lines_of_any_bytes_give_records_refusals_or_an_error_of_the_feed(
        self, name: str, content: bytes
    ):
        try:
            records = read(content, name)
        except FeedError:
            return
        assert all((record.fields is None) != (record.refusal is None) for record in records)

    @given(
        st.lists(
            st.sampled_from(
                [b"<item>", b"</item>", b"<g:id>", b"</g:id>", b"<!--", b"-->", b"<![CDATA[", b"]]>",
                 b"&", b"&amp;", b"\xff", b"text", b"<", b"\n", b"</channel>", b"<?xml?>"]
            ),
            max_size=30,
        )
    )  # fmt: skip
    def test_xml_of_any_parts_gives_records_refusals_or_an_error_of_the_feed(
        self, parts: list[bytes]
    ):
        try:
            records = read(RSS.encode() + b"".join(parts), "feed.xml")
        except FeedError:
            return
        assert all((record.fields is None) != (record.refusal is None) for record in records)


class TestSource:
    @pytest.mark.parametrize(
        ("name", "content", "expected"),
        [
            ("a.jsonl", b"{}", FeedFormat.JSONL),
            ("a.ndjson.gz", b"{}", FeedFormat.JSONL),
            ("a.csv", b"id,title", FeedFormat.CSV),
            ("a.tsv", b"id", FeedFormat.TSV),
            ("a.xml", b"<rss/>", FeedFormat.MERCHANT_XML),
            ("-", b'\xef\xbb\xbf {"id": 1}', FeedFormat.JSONL),
            ("-", b"<?xml?>", FeedFormat.MERCHANT_XML),
            ("a.txt", b"id\ttitle, long\n", FeedFormat.TSV),
            ("a.txt", b"id;title\n", FeedFormat.CSV),
        ],
    )
    def test_the_format_is_known_by_name_or_content(
        self, name: str, content: bytes, expected: FeedFormat
    ):
        assert source_of(content, name).format is expected

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "is empty"),
            (b"hello", "neither JSONL, CSV, TSV nor XML"),
            ('{"id": 1}'.encode("utf-16"), "is UTF-16"),
            (b"PK\x03\x04...", "is a zip or Excel file"),
            (b'[\n{"id": "1"},\n{"id": "2"}]', "is one JSON list"),
        ],
    )
    def test_what_is_no_feed_is_told_with_what_to_do(self, content: bytes, reason: str):
        with pytest.raises(FeedError, match=reason):
            source_of(content, "feed")

    def test_a_missing_file_is_told(self, tmp_path: Path):
        with pytest.raises(FeedError, match="No such file"):
            FeedSource.open(tmp_path / "feed.csv")

    def test_gzip_is_known_by_its_content(self, tmp_path: Path):
        path = tmp_path / "feed.jsonl"
        path.write_bytes(gzip.compress(b'{"id": "1"}\n'))

        with FeedSource.open(path) as source:
            assert values(list(read_records(source))) == ["1"]
            assert source.read_bytes == source.size_bytes

    @pytest.mark.parametrize("cut", [20, 60_000])
    def test_a_gzip_file_that_is_cut_gives_its_whole_lines_and_then_says_so(self, cut: int):
        lines = b"".join(b'{"id": "%d", "n": "%x"}\n' % (n, n**7) for n in range(200_000))
        content = gzip.compress(lines)

        records = iter(read_records(source_of(content[:-cut])))

        read_count = 0
        with pytest.raises(FeedError, match="damaged or cut off after line"):
            for _ in records:
                read_count += 1
        assert read_count > 150_000

    def test_a_byte_order_mark_is_no_part_of_the_first_name(self):
        records = read(b"\xef\xbb\xbfid,title\n1,a\n", "feed.csv")

        assert records[0].fields == {"id": "1", "title": "a"}

    def test_memory_is_bounded_by_the_longest_line_that_may_be(self):
        assert LINE_SIZE_BYTES_MAX == 1_048_576
