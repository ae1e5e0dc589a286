using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>Changes that happen together or not at all, for packets too.</summary>
internal sealed class NftBatch : IDisposable
{
    private readonly List<(string Step, string Subject)> _steps = [("begin", "the transaction")];
    private uint _setId;

    /// <param name="generation">Where given: nothing happens unless this is still the generation of the rules.</param>
    public NftBatch(uint? generation = null)
    {
        Writer.Begin(NftMessageType.BatchBegin, NetlinkFlags.None, Bound());
        if (generation is { } number)
        {
            Writer.PutNetwork(BatchAttribute.Generation, number);
        }
    }

    internal MessageWriter Writer { get; } = new();

    /// <summary>How many changes there are.</summary>
    public int Count => _steps.Count - 1;

    internal (string Step, string Subject) this[int index] => _steps[index];

    /// <summary>Adds a table; one that is there stays as it is.</summary>
    public void AddTable(Table table)
    {
        const uint FlagOwner = 2;
        Begin(NftMessageType.NewTable, NetlinkFlags.Create, table.Family, "add the table", table.ToString());
        Writer.Put(TableAttribute.Name, table.Name);
        if (table.Owned)
        {
            Writer.PutNetwork(TableAttribute.Flags, FlagOwner);
        }
    }

    /// <summary>Deletes a table with all in it. To delete one that may not be there, add it first.</summary>
    public void DeleteTable(Table table)
    {
        Begin(NftMessageType.DeleteTable, NetlinkFlags.None, table.Family, "delete the table", table.ToString());
        Writer.Put(TableAttribute.Name, table.Name);
    }

    public void AddChain(Chain chain)
    {
        Begin(NftMessageType.NewChain, NetlinkFlags.Create, chain.Table.Family, "add the chain", chain.ToString());
        Writer.Put(ChainAttribute.Table, chain.Table.Name);
        Writer.Put(ChainAttribute.Name, chain.Name);
        if (chain.Hook is not { } hook)
        {
            return;
        }

        var nested = Writer.BeginNested(ChainAttribute.Hook);
        Writer.PutNetwork(HookAttribute.Number, NumberOf(hook.Point, chain.Table.Family));
        Writer.PutNetwork(HookAttribute.Priority, (uint)hook.Priority);
        if (hook.Device is { } device)
        {
            Writer.Put(HookAttribute.Device, InterfaceName.Check(device));
        }

        Writer.EndNested(nested);
        Writer.PutNetwork(ChainAttribute.Policy, (uint)hook.Policy);
        Writer.Put(ChainAttribute.Type, hook.Type.ToString().ToLowerInvariant());
    }

    /// <summary>Deletes a chain that nothing refers to, with its rules.</summary>
    public void DeleteChain(Chain chain)
    {
        FlushChain(chain);
        Begin(NftMessageType.DeleteChain, NetlinkFlags.None, chain.Table.Family, "delete the chain", chain.ToString());
        Writer.Put(ChainAttribute.Table, chain.Table.Name);
        Writer.Put(ChainAttribute.Name, chain.Name);
    }

    /// <summary>Deletes the rules of a chain.</summary>
    public void FlushChain(Chain chain) => DeleteRules(chain, handle: null);

    /// <summary>Adds a rule at the end of a chain.</summary>
    public void AddRule(Chain chain, Rule rule) => WriteRule(chain, rule, NetlinkFlags.Create | NetlinkFlags.Append, null);

    /// <summary>Adds a rule at the start of a chain, or before the rule with a handle.</summary>
    public void InsertRule(Chain chain, Rule rule, ulong? before = null) => WriteRule(chain, rule, NetlinkFlags.Create, before);

    public void DeleteRule(Chain chain, ulong handle) => DeleteRules(chain, handle);

    public void AddSet(Set set)
    {
        Begin(NftMessageType.NewSet, NetlinkFlags.Create, set.Table.Family, "add the set", set.ToString());
        set.Write(Writer, ++_setId);
    }

    /// <summary>Deletes a set that no rule refers to.</summary>
    public void DeleteSet(Set set)
    {
        Begin(NftMessageType.DeleteSet, NetlinkFlags.None, set.Table.Family, "delete the set", set.ToString());
        Writer.Put(SetAttribute.Table, set.Table.Name);
        Writer.Put(SetAttribute.Name, set.Name);
    }

    /// <summary>Adds elements; those that are there stay, but of a map with other data is an error.</summary>
    public void AddElements(Set set, params IEnumerable<SetElement> elements) => WriteElements(NftMessageType.NewElement, NetlinkFlags.Create, "add elements to the set", set, elements);

    public void DeleteElements(Set set, params IEnumerable<SetElement> elements) => WriteElements(NftMessageType.DeleteElement, NetlinkFlags.None, "delete elements of the set", set, elements);

    /// <summary>Deletes all elements.</summary>
    public void FlushSet(Set set)
    {
        Begin(NftMessageType.DeleteElement, NetlinkFlags.None, set.Table.Family, "flush the set", set.ToString());
        Writer.Put(ElementListAttribute.Table, set.Table.Name);
        Writer.Put(ElementListAttribute.Set, set.Name);
    }

    public void AddCounter(Table table, string name)
    {
        BeginObject(NftMessageType.NewObject, NetlinkFlags.Create, "add the counter", table, ObjectType.Counter, name);
        var data = Writer.BeginNested(ObjectAttribute.Data);
        Writer.PutNetwork(CounterAttribute.Bytes, 0ul);
        Writer.PutNetwork(CounterAttribute.Packets, 0ul);
        Writer.EndNested(data);
    }

    /// <summary>Deletes a counter that no rule refers to.</summary>
    public void DeleteCounter(Table table, string name) => BeginObject(NftMessageType.DeleteObject, NetlinkFlags.None, "delete the counter", table, ObjectType.Counter, name);

    /// <summary>Adds a quota, which matches once more than so many bytes came to the rules that refer to it.</summary>
    public void AddQuota(Table table, string name, ulong bytes)
    {
        const uint FlagOver = 1;
        BeginObject(NftMessageType.NewObject, NetlinkFlags.Create, "add the quota", table, ObjectType.Quota, name);
        var data = Writer.BeginNested(ObjectAttribute.Data);
        Writer.PutNetwork(QuotaAttribute.Bytes, bytes);
        Writer.PutNetwork(QuotaAttribute.Flags, FlagOver);
        Writer.EndNested(data);
    }

    /// <summary>Deletes a quota that no rule refers to.</summary>
    public void DeleteQuota(Table table, string name) => BeginObject(NftMessageType.DeleteObject, NetlinkFlags.None, "delete the quota", table, ObjectType.Quota, name);

    public void Dispose() => Writer.Dispose();

    /// <summary>Ends it; the last change is what the kernel acknowledges, having done all before. Returns that one's index.</summary>
    internal int Complete()
    {
        Writer.AddFlags(NetlinkFlags.Acknowledge);
        Writer.Begin(NftMessageType.BatchEnd, NetlinkFlags.None, Bound());
        Writer.End();
        return Count;
    }

    /// <summary>Begin and end name the subsystem, in network order.</summary>
    private static NetfilterHeader Bound() => new() { ResourceLow = 10 };

    private static uint NumberOf(HookPoint point, NftFamily family) => family == NftFamily.Netdev
        ? point switch
        {
            HookPoint.Ingress => 0u,
            HookPoint.Egress => 1u,
            _ => throw new NetworkException("add a chain at", point.ToString(), "A table of the family netdev has the places ingress and egress alone."),
        }
        : (uint)point;

    private void Begin(ushort type, NetlinkFlags flags, NftFamily family, string step, string subject)
    {
        Writer.Begin(type, flags, new NetfilterHeader { Family = family });
        _steps.Add((step, subject));
    }

    private void BeginObject(ushort type, NetlinkFlags flags, string step, Table table, ObjectType kind, string name)
    {
        Begin(type, flags, table.Family, step, $"{name} of table {table}");
        Writer.Put(ObjectAttribute.Table, table.Name);
        Writer.Put(ObjectAttribute.Name, name);
        Writer.PutNetwork(ObjectAttribute.Type, (uint)kind);
    }

    private void DeleteRules(Chain chain, ulong? handle)
    {
        Begin(NftMessageType.DeleteRule, NetlinkFlags.None, chain.Table.Family, handle is null ? "flush the chain" : $"delete the rule with handle {handle} in chain", chain.ToString());
        Writer.Put(RuleAttribute.Table, chain.Table.Name);
        Writer.Put(RuleAttribute.Chain, chain.Name);
        if (handle is { } number)
        {
            Writer.PutNetwork(RuleAttribute.Handle, number);
        }
    }

    private void WriteRule(Chain chain, Rule rule, NetlinkFlags flags, ulong? position)
    {
        Begin(NftMessageType.NewRule, flags, chain.Table.Family, "add a rule to chain", rule.Comment is null ? chain.ToString() : $"{chain} (\"{rule.Comment}\")");
        Writer.Put(RuleAttribute.Table, chain.Table.Name);
        Writer.Put(RuleAttribute.Chain, chain.Name);
        if (position is { } handle)
        {
            Writer.PutNetwork(RuleAttribute.Position, handle);
        }

        var expressions = Writer.BeginNested(RuleAttribute.Expressions);
        var target = new RuleWriter(Writer, chain.Table.Family, chain.ToString());
        foreach (var statement in rule.Statements)
        {
            statement.Write(target);
        }

        Writer.EndNested(expressions);
        if (rule.Comment is not null)
        {
            Writer.Put(RuleAttribute.UserData, UserData.Comment(rule.Comment));
        }
    }

    private void WriteElements(ushort type, NetlinkFlags flags, string step, Set set, IEnumerable<SetElement> elements)
    {
        // An attribute holds 64 KiB, so many elements are several messages.
        const int ElementsInMessage = 128;
        foreach (var part in elements.Chunk(ElementsInMessage))
        {
            Begin(type, flags, set.Table.Family, step, set.ToString());
            Writer.Put(ElementListAttribute.Table, set.Table.Name);
            Writer.Put(ElementListAttribute.Set, set.Name);
            var list = Writer.BeginNested(ElementListAttribute.Elements);
            foreach (var element in part)
            {
                element.Write(Writer, set);
            }

            Writer.EndNested(list);
        }
    }
}
