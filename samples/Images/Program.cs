using Containers;
using Containers.Samples;
using Spectre.Console;

// Images in process: pull or load one, look at it, run it, change it, commit that, run it again, and push it.
//
//   dotnet run --project samples/Images                                         an image made here of this machine's busybox
//   dotnet run --project samples/Images -- 127.0.0.1:5000/alpine:3.20           one from a registry
//   dotnet run --project samples/Images -- oci-archive:alpine.tar               one from a file
//   dotnet run --project samples/Images -- IMAGE 127.0.0.1:5000/mine:1          and push what was committed there
var directory = Directory.CreateTempSubdirectory("containers-images-sample-").FullName;
try
{
    var options = new ContainerEngineOptions { Images = new ImageStoreOptions { Directory = Path.Combine(directory, "images") } };
    await using var engine = new ContainerEngine(options);
    var name = args.ElementAtOrDefault(0) ?? await BusyboxImage.MakeAsync(engine.Images);
    if (args.Length > 0)
    {
        await Transfers.ShowAsync(progress => engine.Images.PullAsync(name, new PullOptions { Progress = progress }));
    }

    // What runs in it is the image's command where none is given, as with docker run.
    var job = ContainerBuilder.FromImage(name).WithCommand("sh", "-c", "echo \"hello from pid $$ of an image\"; ls /");
    Console.Write((await engine.RunAsync(job)).EnsureSuccess().StandardOutput.Text);

    await using (var container = await engine.StartAsync(ContainerBuilder.FromImage(name).WithCommand("sh", "-c", "echo changed > /greeting; cat")))
    {
        container.StandardInput.Complete();
        (await container.WaitAsync()).EnsureSuccess();
        foreach (var change in await container.DiffAsync())
        {
            Console.WriteLine(change);
        }

        await container.CommitAsync("sample/changed:1", new CommitOptions { Message = "a greeting", Command = ["cat", "/greeting"] });
    }

    Console.Write((await engine.RunAsync(ContainerBuilder.FromImage("sample/changed:1"))).EnsureSuccess().StandardOutput.Text);

    if (args.ElementAtOrDefault(1) is { } target)
    {
        await engine.Images.TagAsync("sample/changed:1", target);
        await Transfers.ShowAsync(progress => engine.Images.PushAsync(target, new PushOptions { Progress = progress }));
    }

    await engine.Images.SaveAsync(["sample/changed:1"], Path.Combine(directory, "changed.tar"));
    var table = new Table().AddColumns("image", "digest", "on disk", "shared");
    foreach (var image in await engine.Images.ListAsync())
    {
        table.AddRow(string.Join(", ", image.Names), image.Digest[..19], new ByteSize(image.Size).ToString(), new ByteSize(image.SharedSize).ToString());
    }

    AnsiConsole.Write(table);
}
catch (ContainerException fault)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}
finally
{
    Directory.Delete(directory, recursive: true);
}

return 0;
