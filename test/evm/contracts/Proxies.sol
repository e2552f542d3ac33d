// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

interface IPermit2 {
    struct TokenPermissions {
        address token;
        uint256 amount;
    }

    struct PermitTransferFrom {
        TokenPermissions permitted;
        uint256 nonce;
        uint256 deadline;
    }

    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    function permitWitnessTransferFrom(
        PermitTransferFrom memory permit,
        SignatureTransferDetails calldata details,
        address owner,
        bytes32 witness,
        string calldata witnessType,
        bytes calldata signature
    ) external;
}

/// What x402 puts between a permit and Permit2: the payee is part of what was signed. For exact prices.
contract ExactProxy {
    struct Witness {
        address to;
        uint256 validAfter;
    }

    IPermit2 private constant PERMIT = IPermit2(0x000000000022D473030F116dDEE9F6B43aC78BA3);
    string private constant WITNESS = "Witness(address to,uint256 validAfter)";
    string private constant TAIL =
        "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)";

    error PaymentTooEarly();

    function PERMIT2() external pure returns (address) {
        return address(PERMIT);
    }

    function settle(
        IPermit2.PermitTransferFrom calldata permit,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) external {
        if (block.timestamp < witness.validAfter) revert PaymentTooEarly();
        bytes32 hash = keccak256(abi.encode(keccak256(bytes(WITNESS)), witness.to, witness.validAfter));
        PERMIT.permitWitnessTransferFrom(
            permit,
            IPermit2.SignatureTransferDetails(witness.to, permit.permitted.amount),
            owner,
            hash,
            TAIL,
            signature
        );
    }
}

/// The same for prices that are known only afterwards: whoever may settle is part of what was signed, too.
contract UptoProxy {
    struct Witness {
        address to;
        address facilitator;
        uint256 validAfter;
    }

    IPermit2 private constant PERMIT = IPermit2(0x000000000022D473030F116dDEE9F6B43aC78BA3);
    string private constant WITNESS = "Witness(address to,address facilitator,uint256 validAfter)";
    string private constant TAIL =
        "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)";

    error PaymentTooEarly();
    error UnauthorizedFacilitator();
    error AmountExceedsPermitted();

    function PERMIT2() external pure returns (address) {
        return address(PERMIT);
    }

    function settle(
        IPermit2.PermitTransferFrom calldata permit,
        uint256 amount,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) external {
        if (block.timestamp < witness.validAfter) revert PaymentTooEarly();
        if (msg.sender != witness.facilitator) revert UnauthorizedFacilitator();
        if (amount > permit.permitted.amount) revert AmountExceedsPermitted();
        bytes32 hash = keccak256(
            abi.encode(keccak256(bytes(WITNESS)), witness.to, witness.facilitator, witness.validAfter)
        );
        PERMIT.permitWitnessTransferFrom(
            permit,
            IPermit2.SignatureTransferDetails(witness.to, amount),
            owner,
            hash,
            TAIL,
            signature
        );
    }
}
