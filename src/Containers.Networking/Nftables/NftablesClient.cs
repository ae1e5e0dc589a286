using Containers.Interop;
using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>
/// The packet filter of one network namespace (nf_tables). For use from any thread; a change blocks until it is in force. Tables that are
/// owned belong to this object's socket.
/// </summary>
internal sealed class NftablesClient(NetlinkSocket socket) : IDisposable
{
    /// <summary>Others change rules too; each time one of them is quicker, we look again.</summary>
    private const int MostAttempts = 256;

    public uint PortId => socket.PortId;

    /// <summary>What owned tables belong to: they stay as long as it is open somewhere.</summary>
    public FileDescriptor Descriptor => socket.Descriptor;

    /// <summary>For the namespace that the calling thread is in: the host's.</summary>
    public static NftablesClient Open() => new(NetlinkSocket.Open(NetlinkFamily.Netfilter));

    public static NftablesClient Open(NetworkNamespace space) => new(space.Open(NetlinkFamily.Netfilter));

    /// <summary>Makes changes that do not depend on what is there.</summary>
    /// <exception cref="NetworkException">One of them was refused, and none was made; the message says which.</exception>
    public void Commit(Action<NftBatch> changes) => Commit(changes, dependent: false);

    /// <summary>
    /// Makes changes that depend on what is there: <paramref name="changes"/> may list, and is called again where somebody else has
    /// changed anything between its listing and its changes.
    /// </summary>
    public void Update(Action<NftBatch> changes) => Commit(changes, dependent: true);

    /// <summary>The number of the state of all rules; each change makes it another.</summary>
    public uint Generation()
    {
        using var writer = new MessageWriter();
        writer.Begin(NftMessageType.GetGeneration, NetlinkFlags.Acknowledge, default(NetfilterHeader));
        return socket.Get(writer, new RequestContext("read the generation of the rules", null), static message =>
        {
            foreach (var attribute in message.AttributesAfter<NetfilterHeader>())
            {
                if (attribute.Type == 1)
                {
                    return new Number(attribute.NetworkUInt32);
                }
            }

            return null;
        })?.Value ?? throw MessageReader.Malformed("a generation without a number");
    }

    public List<TableInfo> ListTables() => Dump(NftMessageType.GetTable, NftMessageType.NewTable, NftFamily.Unspecified, "list the tables", null, static _ => { }, static message =>
    {
        var family = message.Read<NetfilterHeader>().Family;
        var (name, handle, owner) = (string.Empty, 0ul, (uint?)null);
        foreach (var attribute in message.AttributesAfter<NetfilterHeader>())
        {
            switch ((TableAttribute)attribute.Type)
            {
                case TableAttribute.Name:
                    name = attribute.Text;
                    break;
                case TableAttribute.Handle:
                    handle = attribute.NetworkUInt64;
                    break;
                case TableAttribute.Owner:
                    owner = attribute.NetworkUInt32;
                    break;
            }
        }

        return new TableInfo(new Table(family, name) { Owned = owner is not null }, handle, owner);
    });

    /// <summary>The chains of all tables of a family, or of all.</summary>
    public List<ChainInfo> ListChains(NftFamily family = NftFamily.Unspecified) =>
        Dump(NftMessageType.GetChain, NftMessageType.NewChain, family, "list the chains", null, static _ => { }, ChainInfo.Parse);

    /// <summary>The names of the chains of a table.</summary>
    public List<string> ListChains(Table table) => [.. ListChains(table.Family).Where(chain => chain.Table.Name == table.Name).Select(static chain => chain.Name)];

    /// <summary>Whether a rule of a table has these bytes in what it compares, or anywhere else.</summary>
    public bool Mentions(Table table, byte[] bytes) => Dump(NftMessageType.GetRule, NftMessageType.NewRule, table.Family, "list the rules of table", table.ToString(),
        writer => writer.Put(RuleAttribute.Table, table.Name),
        message => message.Payload.IndexOf(bytes) >= 0 ? bytes : null).Count > 0;

    /// <summary>The rules of a chain, in order.</summary>
    public List<RuleInfo> ListRules(Chain chain) => Dump(NftMessageType.GetRule, NftMessageType.NewRule, chain.Table.Family, "list the rules of chain", chain.ToString(), writer =>
    {
        writer.Put(RuleAttribute.Table, chain.Table.Name);
        writer.Put(RuleAttribute.Chain, chain.Name);
    }, RuleInfo.Parse);

    /// <summary>The elements of a set; ranges as <see cref="SetElement.EndsRange"/> says.</summary>
    public List<SetElement> ListElements(Set set)
    {
        var parts = Dump(NftMessageType.GetElement, NftMessageType.NewElement, set.Table.Family, "list the elements of set", set.ToString(), writer =>
        {
            writer.Put(ElementListAttribute.Table, set.Table.Name);
            writer.Put(ElementListAttribute.Set, set.Name);
        }, static message =>
        {
            var elements = new List<SetElement>();
            foreach (var attribute in message.AttributesAfter<NetfilterHeader>())
            {
                if ((ElementListAttribute)attribute.Type == ElementListAttribute.Elements)
                {
                    foreach (var element in attribute.Nested)
                    {
                        elements.Add(SetElement.Parse(element.Nested));
                    }
                }
            }

            return elements;
        });
        return [.. parts.SelectMany(static part => part)];
    }

    /// <summary>The named counters of a table.</summary>
    public List<CounterInfo> ListCounters(Table table) => ListObjects(table, ObjectType.Counter, "list the counters of table", static (name, data) =>
    {
        var (bytes, packets) = RuleInfo.Counts(data);
        return new CounterInfo(name, bytes, packets);
    });

    /// <summary>The named quotas of a table.</summary>
    public List<QuotaInfo> ListQuotas(Table table) => ListObjects(table, ObjectType.Quota, "list the quotas of table", static (name, data) =>
    {
        var (bytes, consumed) = (0ul, 0ul);
        foreach (var attribute in data)
        {
            switch ((QuotaAttribute)attribute.Type)
            {
                case QuotaAttribute.Bytes:
                    bytes = attribute.NetworkUInt64;
                    break;
                case QuotaAttribute.Consumed:
                    consumed = attribute.NetworkUInt64;
                    break;
            }
        }

        return new QuotaInfo(name, bytes, consumed);
    });

    public void Dispose() => socket.Dispose();

    private void Commit(Action<NftBatch> changes, bool dependent)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var batch = new NftBatch(dependent ? Generation() : null);
            changes(batch);
            if (batch.Count == 0)
            {
                return;
            }

            var acknowledged = batch.Complete();
            if (socket.Batch(batch.Writer, new RequestContext("change the rules", null), acknowledged) is not { } failure)
            {
                return;
            }

            // ERESTART is another generation than ours; EBUSY where a change of what is in use was not complete yet, or is a real error.
            var again = failure.Error.Errno is Errno.ERESTART or Errno.EINTR or Errno.EAGAIN || (failure.Error.Errno == Errno.EBUSY && attempt == 1);
            if (!again || attempt >= MostAttempts)
            {
                var (step, subject) = batch[Math.Min(failure.Index, batch.Count)];
                throw new RequestContext(step, subject, Remedy: Remedy).Failure(failure.Error, batch.Writer.Message(failure.Index), System.Runtime.CompilerServices.Unsafe.SizeOf<NetfilterHeader>());
            }
        }
    }

    private static string? Remedy(Errno errno) => errno switch
    {
        Errno.ENOENT => "What it refers to is not there, or this kernel lacks an expression or family it needs (modules nft_*, nf_tables).",
        Errno.EOPNOTSUPP => "This kernel lacks something of it (modules nft_*), or it is not possible in this kind of chain.",
        Errno.EAFNOSUPPORT => "This kernel has no tables of this family.",
        Errno.EBUSY => "It is in use by a rule, a map or another table's owner.",
        Errno.ERESTART => "Others changed the rules each time it was tried.",
        Errno.EPERM => "The table belongs to another socket, or CAP_NET_ADMIN is missing in the namespace's user namespace.",
        _ => null,
    };

    private List<T> ListObjects<T>(Table table, ObjectType type, string step, ObjectParser<T> parser)
        where T : class => Dump(NftMessageType.GetObject, NftMessageType.NewObject, table.Family, step, table.ToString(), writer =>
    {
        writer.Put(ObjectAttribute.Table, table.Name);
        writer.PutNetwork(ObjectAttribute.Type, (uint)type);
    }, message =>
    {
        var (name, isOfType) = (string.Empty, false);
        T? parsed = null;
        foreach (var attribute in message.AttributesAfter<NetfilterHeader>())
        {
            switch ((ObjectAttribute)attribute.Type)
            {
                case ObjectAttribute.Name:
                    name = attribute.Text;
                    break;
                case ObjectAttribute.Type:
                    isOfType = attribute.NetworkUInt32 == (uint)type;
                    break;
                case ObjectAttribute.Data when isOfType:
                    parsed = parser(name, attribute.Nested);
                    break;
            }
        }

        return parsed;
    });

    private List<T> Dump<T>(ushort request, ushort reply, NftFamily family, string step, string? subject, Action<MessageWriter> filter, MessageParser<T> parser)
        where T : class
    {
        using var writer = new MessageWriter();
        writer.Begin(request, NetlinkFlags.Dump, new NetfilterHeader { Family = family });
        filter(writer);
        return socket.Dump(writer, new RequestContext(step, subject), message => message.Type == reply ? parser(message) : null);
    }

    private delegate T ObjectParser<out T>(string name, AttributeReader data);

    private sealed record Number(uint Value);
}
