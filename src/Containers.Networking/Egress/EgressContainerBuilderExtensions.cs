using Containers.Egress;
using Containers.Networks;

namespace Containers;

/// <summary>Containers that may not send everything everywhere, or not as fast as they can.</summary>
public static class EgressContainerBuilderExtensions
{
    extension(ContainerBuilder builder)
    {
        /// <summary>
        /// Allows the container to reach what the policy names, and nothing else: not the host's services, not the metadata addresses of
        /// clouds, not other containers. A container that is on no network is on the built-in bridge then. Called again it replaces the policy.
        /// </summary>
        /// <param name="policy">Makes the policy of <see cref="EgressPolicy.Nothing"/>: <c>policy => policy.Allow("10.0.0.0/8", 443)</c>.</param>
        /// <exception cref="ArgumentException">Something of the policy cannot be right.</exception>
        /// <remarks>
        /// Needs a kernel with netdev hooks in both directions (CONFIG_NETFILTER_INGRESS, CONFIG_NETFILTER_EGRESS; Linux 5.16). What is refused is
        /// answered at once (a reset, or ICMP) where the kernel can (CONFIG_NFT_REJECT_NETDEV, which Debian 12's lacks), and dropped elsewhere: the
        /// container waits until its own time is up.
        /// </remarks>
        public ContainerBuilder WithEgress(Func<EgressPolicy, EgressPolicy> policy)
        {
            ArgumentNullException.ThrowIfNull(policy);
            return builder.WithEgress(policy(EgressPolicy.Nothing));
        }

        /// <summary>As above, with a policy that was made before.</summary>
        /// <param name="policy">The policy.</param>
        public ContainerBuilder WithEgress(EgressPolicy policy)
        {
            ArgumentNullException.ThrowIfNull(builder);
            ArgumentNullException.ThrowIfNull(policy);
            return NetworkFeature.Change(builder, feature => feature with { NeedsNetwork = true, Egress = policy });
        }

        /// <summary>Limits how fast the container sends and receives by each of its networks.</summary>
        /// <param name="sentBytesPerSecond">What it sends, with all headers; null: no limit.</param>
        /// <param name="receivedBytesPerSecond">What it receives; null: no limit.</param>
        /// <exception cref="ArgumentOutOfRangeException">A rate is below 1 KiB a second.</exception>
        /// <remarks>
        /// Starting such a container throws <see cref="NetworkException"/> where the kernel has no token bucket (module sch_tbf). Of what it
        /// sends the queue is inside: a container with CAP_NET_ADMIN can take it away; <see cref="EgressPolicy.Limit"/> holds even then.
        /// </remarks>
        public ContainerBuilder WithNetworkRate(ByteSize? sentBytesPerSecond = null, ByteSize? receivedBytesPerSecond = null)
        {
            ArgumentNullException.ThrowIfNull(builder);
            _ = NetworkRate.Require(sentBytesPerSecond, nameof(sentBytesPerSecond));
            _ = NetworkRate.Require(receivedBytesPerSecond, nameof(receivedBytesPerSecond));
            return NetworkFeature.Change(builder, feature => feature with
            {
                Shape = feature.Shape with { Sent = sentBytesPerSecond?.Bytes, Received = receivedBytesPerSecond?.Bytes },
            });
        }

        /// <summary>Puts the container's networks further away, for tests of what distance does.</summary>
        /// <param name="delay">Added in each direction: twice this is added to a ping.</param>
        /// <param name="jitter">By how much the delay varies, up and down.</param>
        /// <param name="loss">The share of packets that are lost in each direction, from 0 to 1.</param>
        /// <exception cref="ArgumentOutOfRangeException">A value is negative, or more than a minute, or the jitter more than the delay.</exception>
        /// <remarks>Starting such a container throws <see cref="NetworkException"/> where the kernel cannot delay packets (module sch_netem).</remarks>
        public ContainerBuilder WithNetworkLatency(TimeSpan delay, TimeSpan jitter = default, double loss = 0)
        {
            ArgumentNullException.ThrowIfNull(builder);
            ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(delay, TimeSpan.FromMinutes(1));
            ArgumentOutOfRangeException.ThrowIfLessThan(jitter, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(jitter, delay);
            return !(loss >= 0 && loss <= 1)
                ? throw new ArgumentOutOfRangeException(nameof(loss), loss, "The share of lost packets is from 0 to 1.")
                : NetworkFeature.Change(builder, feature => feature with { Shape = feature.Shape with { Delay = delay, Jitter = jitter, Loss = loss } });
        }
    }

    extension(Container container)
    {
        /// <summary>What the container sent under its policy and what was refused: until now, or until its end.</summary>
        /// <param name="cancellationToken">Not used once the reading has begun.</param>
        /// <exception cref="InvalidOperationException">The container has no policy, or has not started.</exception>
        /// <exception cref="NetworkException">The counters cannot be read.</exception>
        public Task<EgressUsage> GetEgressAsync(CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(container);
            return container.Engine.Networks.EgressSessions.TryGetValue(container, out var session)
                ? Task.Run(session.Usage, cancellationToken)
                : throw new InvalidOperationException("The container has no egress policy in force: it has not started, or was made without ContainerBuilder.WithEgress.");
        }
    }
}
