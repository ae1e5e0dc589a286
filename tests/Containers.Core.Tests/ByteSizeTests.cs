using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Containers.Tests;

public sealed class ByteSizeTests
{
    [Fact]
    public void Extensions_CountInPowersOf1024()
    {
        Assert.Equal(102400, 100.KB.Bytes);
        Assert.Equal(104857600, 100.MB.Bytes);
        Assert.Equal(1L << 30, 1.GB.Bytes);
        Assert.Equal(2L << 40, 2.TB.Bytes);
        Assert.Equal(3L << 30, 3L.GB.Bytes);
        Assert.Equal(1610612736, 1.5.GB.Bytes);
        Assert.Equal(104857, 0.1.MB.Bytes);
    }

    [Fact]
    public void Extensions_RefuseNegativeNumbersAndWhatIsNone()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => (-1).MB);
        Assert.Throws<ArgumentOutOfRangeException>(() => (-1L).KB);
        Assert.Throws<ArgumentOutOfRangeException>(() => (-0.5).GB);
        Assert.Throws<ArgumentOutOfRangeException>(() => double.NaN.GB);
        Assert.Throws<ArgumentOutOfRangeException>("bytes", () => new ByteSize(-1));
        Assert.Throws<ArgumentOutOfRangeException>("megabytes", () => ByteSize.FromMegabytes(-1));
    }

    [Fact]
    public void Overflow_IsSaid()
    {
        Assert.Contains("2^63", Assert.Throws<OverflowException>(() => int.MaxValue.TB).Message, StringComparison.Ordinal);
        Assert.Throws<OverflowException>(() => long.MaxValue.KB);
        Assert.Throws<OverflowException>(() => double.PositiveInfinity.MB);
        Assert.Throws<OverflowException>(() => ByteSize.Parse("8192p"));
        Assert.Throws<OverflowException>(() => ByteSize.Parse("9223372036854775808"));
        Assert.Throws<OverflowException>(() => ByteSize.Parse("9999999999999999999999999999p"));
        Assert.False(ByteSize.TryParse("8192p", out _));
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("512", 512)]
    [InlineData("512b", 512)]
    [InlineData("64k", 65536)]
    [InlineData("64K", 65536)]
    [InlineData("64kb", 65536)]
    [InlineData("64KiB", 65536)]
    [InlineData("100m", 104857600)]
    [InlineData("1.5GiB", 1610612736)]
    [InlineData(" 1.5 GiB ", 1610612736)]
    [InlineData("0.5k", 512)]
    [InlineData("2t", 2L << 40)]
    [InlineData("8191p", 8191L << 50)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Parse_ReadsSizesAsDockerWritesThem(string text, long bytes)
    {
        Assert.Equal(bytes, ByteSize.Parse(text).Bytes);
        Assert.True(ByteSize.TryParse(text, out var size));
        Assert.Equal(bytes, size.Bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("m")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1.5")]
    [InlineData("1.k")]
    [InlineData(".5k")]
    [InlineData("1..5k")]
    [InlineData("1,5k")]
    [InlineData("1 000k")]
    [InlineData("0x10")]
    [InlineData("1e3")]
    [InlineData("100mm")]
    [InlineData("100mi")]
    [InlineData("100bb")]
    [InlineData("100bib")]
    [InlineData("100x")]
    [InlineData("１００m")]
    [InlineData("1k\0")]
    [InlineData("1k\n")]
    public void Parse_RefusesWhatIsNoSize(string text)
    {
        Assert.Throws<FormatException>(() => ByteSize.Parse(text));
        Assert.False(ByteSize.TryParse(text, out var size));
        Assert.Equal(0, size.Bytes);
    }

    [Fact]
    public void Parse_RefusesNull()
    {
        Assert.Throws<ArgumentNullException>("text", () => ByteSize.Parse(null!));
        Assert.False(ByteSize.TryParse(null, out _));
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(104857600, "100 MiB")]
    [InlineData((1L << 20) - 1, "1 MiB")]
    [InlineData(long.MaxValue, "8 EiB")]
    public void ToString_IsForPeople(long bytes, string expected) => Assert.Equal(expected, new ByteSize(bytes).ToString());

    [Fact]
    public void Sizes_Compare()
    {
        Assert.True(1.KB < 1.MB);
        Assert.True(1.GB >= 1024.MB);
        Assert.True(1.GB <= 1024.MB);
        Assert.False(1.KB > 1.KB);
        Assert.Equal(1.GB, 1024.MB);
        Assert.Equal(-1, 1.KB.CompareTo(2.KB));
    }

    [Property]
    public bool Parse_ReadsBackItsOwnBytes(NonNegativeInt high, NonNegativeInt low)
    {
        var size = new ByteSize(((long)high.Get << 31) | (uint)low.Get);
        return ByteSize.Parse(size.Bytes.ToString(System.Globalization.CultureInfo.InvariantCulture)) == size;
    }

    [Property]
    public bool Parse_ReadsWhatToStringWrites_ToADecimal(NonNegativeInt number)
    {
        var size = new ByteSize((long)number.Get * 1000);
        var text = size.ToString();
        return text.EndsWith(" B", StringComparison.Ordinal)
            ? ByteSize.Parse(text) == size
            : Math.Abs(ByteSize.Parse(text).Bytes - size.Bytes) <= Math.Max(size.Bytes / 20, 1);
    }

    [Property]
    public bool TryParse_AndParseAgreeOnAnyText(string? text)
    {
        var parsed = ByteSize.TryParse(text, out var size);
        try
        {
            return ByteSize.Parse(text!) == size && parsed;
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentNullException)
        {
            return !parsed && size == default;
        }
    }

    [Property]
    public Property Parse_ReadsAnyNumberWithAnyUnit() => Prop.ForAll(
        (from number in Gen.Choose(0, 8000)
         from unit in Gen.Elements("", "b", "k", "K", "m", "mb", "MiB", "g", "GB", "t", "TiB", "p")
         from space in Gen.Elements("", " ")
         select (number, unit, space)).ToArbitrary(),
        sample =>
        {
            var power = "bkmgtp".IndexOf(sample.unit is "" ? 'b' : char.ToLowerInvariant(sample.unit[0]), StringComparison.Ordinal);
            return ByteSize.Parse($"{sample.number}{sample.space}{sample.unit}").Bytes == (long)sample.number << (10 * power);
        });
}
