using System.Globalization;
using Containers.Store;
using Containers.Tests;

// A user of a store of images, to be killed by tests. Arguments: the store's directory, what it does, and a number or a reference:
//   churn  stores, tags, untags and collects images without end; the number is the seed
//   store  stores and tags so many images, and ends
//   hold   stores the image of that number without a name, says its digest, and holds it
//   pull   pulls the image of that reference, many times at once
//   cancel pulls the image of that reference, and gives it up, at 200 moments
//   prune  removes what nobody uses
//   draft  begins to unpack the layers of that image, says so, and goes no further
if (args is not [var directory, var work, var text])
{
    await Console.Error.WriteLineAsync("usage: StoreHost STORE churn|store|hold|draft|pull|cancel|prune NUMBER|REFERENCE");
    return 2;
}

switch (work)
{
    case "pull":
        return await Pulls.PullAsync(directory, text);
    case "cancel":
        return await Pulls.CancelAsync(directory, text, 200);
    case "prune":
        return await Pulls.PruneAsync(directory);
    default:
        break;
}

const int Images = 8;
var number = int.Parse(text, CultureInfo.InvariantCulture);
using var store = ContentStore.Open(directory);
switch (work)
{
    case "churn":
        var random = new Random(number);
        Console.WriteLine("ready");
        while (true)
        {
            var image = await SampleImage.CreateAsync(random.Next(Images));
            switch (random.Next(8))
            {
                case 0:
                    await store.Tags.RemoveAsync(image.Name);
                    break;
                case 1:
                    await store.Collector.PruneAsync(new PruneOptions { Scope = (PruneScope)random.Next(3) });
                    break;
                default:
                    await image.StoreAsync(store);
                    break;
            }
        }

    case "store":
        foreach (var each in Enumerable.Range(0, number))
        {
            await (await SampleImage.CreateAsync(each)).StoreAsync(store);
        }

        return 0;

    case "hold":
        var held = await SampleImage.CreateAsync(number);
        await using (var hold = store.Hold())
        {
            await held.StoreAsync(store, hold);
            Console.WriteLine(held.Digest);
            await Task.Delay(Timeout.Infinite);
        }

        return 0;

    case "draft":
        var unfinished = await SampleImage.CreateAsync(number);
        var drafts = await store.Layers.BeginAsync(store.Hold(), unfinished.Identities);
        await File.WriteAllTextAsync(Path.Combine(drafts[0].Directory, "half"), "half");
        Console.WriteLine(drafts.Count);
        await Task.Delay(Timeout.Infinite);
        return 0;

    default:
        return 2;
}
