// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

/// A dollar of six decimals that anybody may mint, and that moves by signed authorizations.
contract Dollar is ERC20, EIP712, ERC3009 {
    constructor(string memory name_) ERC20(name_, "TUSD") EIP712(name_, "2") {}

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function version() external pure returns (string memory) {
        return "2";
    }

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }
}

/// The same, as older dollars are: it does not describe its domain as a whole.
contract QuietDollar is Dollar {
    constructor(string memory name_) Dollar(name_) {}

    function eip712Domain()
        public
        pure
        override
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        revert("not described");
    }
}
