namespace Containers;

/// <summary>Sizes as they are said: <c>100.MB</c>, <c>1.5.GB</c>. Units are powers of 1024, as in <c>docker run -m 100m</c>.</summary>
public static class ByteSizeExtensions
{
    /// <summary>Sizes from whole numbers.</summary>
    /// <param name="value">The number of units.</param>
    extension(int value)
    {
        /// <summary>This many kilobytes of 1,024 bytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
        public ByteSize KB => ByteSize.Scale(value, 1, nameof(value));

        /// <summary>This many megabytes of 1,024 kilobytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
        public ByteSize MB => ByteSize.Scale(value, 2, nameof(value));

        /// <summary>This many gigabytes of 1,024 megabytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
        public ByteSize GB => ByteSize.Scale(value, 3, nameof(value));

        /// <summary>This many terabytes of 1,024 gigabytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
        /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
        public ByteSize TB => ByteSize.Scale(value, 4, nameof(value));
    }

    /// <summary>Sizes from whole numbers of 64 bits.</summary>
    /// <param name="value">The number of units.</param>
    extension(long value)
    {
        /// <summary>This many kilobytes of 1,024 bytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
        /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
        public ByteSize KB => ByteSize.Scale(value, 1, nameof(value));

        /// <summary>This many megabytes of 1,024 kilobytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
        /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
        public ByteSize MB => ByteSize.Scale(value, 2, nameof(value));

        /// <summary>This many gigabytes of 1,024 megabytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
        /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
        public ByteSize GB => ByteSize.Scale(value, 3, nameof(value));

        /// <summary>This many terabytes of 1,024 gigabytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
        /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
        public ByteSize TB => ByteSize.Scale(value, 4, nameof(value));
    }

    /// <summary>Sizes from fractions; what is left of a byte is dropped.</summary>
    /// <param name="value">The number of units.</param>
    extension(double value)
    {
        /// <summary>This many kilobytes of 1,024 bytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative or not a number.</exception>
        /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
        public ByteSize KB => ByteSize.Scale(value, 1, nameof(value));

        /// <summary>This many megabytes of 1,024 kilobytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative or not a number.</exception>
        /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
        public ByteSize MB => ByteSize.Scale(value, 2, nameof(value));

        /// <summary>This many gigabytes of 1,024 megabytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative or not a number.</exception>
        /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
        public ByteSize GB => ByteSize.Scale(value, 3, nameof(value));

        /// <summary>This many terabytes of 1,024 gigabytes.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The number is negative or not a number.</exception>
        /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
        public ByteSize TB => ByteSize.Scale(value, 4, nameof(value));
    }
}
